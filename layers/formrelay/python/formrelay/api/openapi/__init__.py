"""The description of the API (OpenAPI 3.1), made of the routing table when somebody asks for it."""
