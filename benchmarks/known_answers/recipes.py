"""All LoRAs of the suite, and the answer to each: by its dose, or by a look at its pictures."""

from dataclasses import replace

from benchmarks.known_answers import first_recipes, harder_recipes, looks
from benchmarks.known_answers.recipe import Recipe


def _seen(recipe: Recipe) -> Recipe:
    """Return the recipe with the label that its pictures have by eye, where it is another."""
    by_eye = looks.label(recipe.name) or first_recipes.BY_EYE.get(recipe.name)
    label = by_eye or recipe.label
    return replace(recipe, label=label, leaks=recipe.leaks if label == "works" else None)


RECIPES = tuple(map(_seen, (*first_recipes.recipes(), *harder_recipes.recipes())))
"""All LoRAs of the suite, in the order in which they are worth having."""
TRAININGS = {recipe.training.name: recipe.training for recipe in RECIPES}
"""All trainings by name."""
