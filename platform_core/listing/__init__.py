"""Lists: filters, order, pages and streams, written once for every noun."""
