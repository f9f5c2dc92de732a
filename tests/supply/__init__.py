"""What the project is made of besides itself: pins, licences, what it asks a network for."""
