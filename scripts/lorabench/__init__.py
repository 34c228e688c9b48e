"""lorabench: normalize pictures, train a LoRA, render it over weights and seeds, judge it."""
