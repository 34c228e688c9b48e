"""What a call asks for, what a run is made of, and what must hold before it starts."""
