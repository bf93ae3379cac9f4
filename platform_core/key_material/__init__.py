"""Key material: the peppers of API keys and the encryption keys of fields, kept outside the database."""
