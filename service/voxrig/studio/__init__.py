"""The server of a page that shows a face speak while it is tuned. Needs the extra ``studio``."""
