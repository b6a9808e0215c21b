"""What is done to submissions after they were taken in: deleted, validated, edited, duplicated."""
