"""The rota: what is shown of it, and what people change in it."""
