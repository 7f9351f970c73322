"""What others subscribe to: a feed of changes (Atom), a calendar of what is to come (iCalendar).

Pure functions from what a use case returned to bytes; ``api`` serves them.
"""
