"""What every door of the REST API shares: problems, pages by cursor, chosen fields, strict input."""
