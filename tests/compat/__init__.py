"""Does the lean install work on every Python, with the oldest and the newest of what it needs?"""
