"""What people would use instead of the bot, sitting the same paper."""
