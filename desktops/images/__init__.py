"""Golden images: the recipe, the builder, and (in the database) their numbered, immutable versions."""
