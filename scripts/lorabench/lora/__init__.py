"""What a LoRA file holds, whether it fits a base model, and its installation."""
