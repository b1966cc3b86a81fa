class Failure(Exception):
    """Ends the run with this one line of text."""
