"""What the project is made of besides itself: pins, licenses, what it asks a network for."""
