"""What each screen says, as rows and lines of text: pure, of what was read and the time."""
