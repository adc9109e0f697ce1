"""What is printed for a ceremony: pages, forms and tables that their documents share. Nothing here is secret."""
