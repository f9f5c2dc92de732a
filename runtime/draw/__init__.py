"""What people look at: colors of classes, masks over a picture, the legend."""
