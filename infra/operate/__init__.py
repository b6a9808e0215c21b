"""What operators do with a deployment, one module per command; ``python -m infra.ops --help`` lists them."""
