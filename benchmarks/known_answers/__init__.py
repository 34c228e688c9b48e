"""LoRAs whose truth is known by how they were made, to try the verdict on."""
