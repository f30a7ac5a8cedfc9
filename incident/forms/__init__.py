"""What staff may submit, field by field: read from a form into values, written back as it was typed."""
