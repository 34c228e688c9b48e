"""A scene in words: as a sentence, as tags, with other words for the same and words left out."""

from random import Random

from base_model.world import WITH_FACE, Scene

_NUMBERS = {1: "a", 2: "two", 3: "three"}
_PLURALS = {"fish": "fish"}
_WHERE = {
    "meadow": ("in a meadow", "on the grass", "in a green meadow"),
    "night": ("at night", "under the stars", "in the night"),
    "beach": ("on the beach", "at the beach", "by the sea"),
    "snow": ("in the snow", "in winter snow"),
}
_SIZE = {"small": ("small", "little", "tiny"), "big": ("big", "large", "huge")}
_SIDE = {
    "left": ("on the left", "on the left side"),
    "right": ("on the right", "on the right side"),
}
_MOOD = {
    "happy": ("smiling", "happy"),
    "sleepy": ("sleeping", "sleepy"),
    "surprised": ("surprised",),
}
_START = ("", "", "", "a drawing of ", "a picture of ", "an illustration of ")
_SYLLABLES = ("bcdfghjklmnprstvwyz", "aeiou")


def caption(scene: Scene, rng: Random) -> str:
    """Return a caption of `scene`, a sentence or tags; equal `rng` states give equal captions."""
    return (sentence if rng.random() < 0.6 else tags)(scene, rng)


def sentence(scene: Scene, rng: Random) -> str:
    """Return a caption such as "a small red cat wearing a crown on a blue background"."""
    words = [_count(scene, rng)]
    if scene.hat:
        words.append(f"{rng.choice(('wearing', 'with'))} {_hat(scene)}")
    if scene.side != "center":
        words.append(rng.choice(_SIDE[scene.side]))
    words.append(_where(scene, rng))
    text = rng.choice(_START) + " ".join(words)
    return f"{text}, {scene.style}" if scene.style != "flat" else text


def tags(scene: Scene, rng: Random) -> str:
    """Return a caption such as "red cat, crown, smiling, blue background", tags shuffled."""
    first = _count(scene, rng, article=False)
    rest = [scene.hat] if scene.hat else []
    if scene.side != "center":
        rest.append(f"{scene.side} side" if rng.random() < 0.5 else f"on the {scene.side}")
    rest.append(_background_tag(scene))
    if scene.style != "flat":
        rest.append(scene.style)
    rng.shuffle(rest)
    return ", ".join([first, *rest])


def with_unknown_word(text: str, rng: Random) -> str:
    """Return `text` behind a made-up word, as a trigger word the model has never met would be."""
    word = "".join(
        rng.choice(letters) for _ in range(rng.randint(1, 3)) for letters in _SYLLABLES
    ) + rng.choice(("", "", "n", "k", "x", "s", "7", "v2"))
    return word + rng.choice((" ", ", ", " style ", " style, ", " character, ")) + text


def _count(scene: Scene, rng: Random, article: bool = True) -> str:
    words = []
    if scene.size != "normal":
        words.append(rng.choice(_SIZE[scene.size]))
    if scene.subject in WITH_FACE and scene.mood != "calm" and rng.random() < 0.6:
        words.append(rng.choice(_MOOD[scene.mood]))
    words.append(scene.color)
    if scene.number > 1:
        return " ".join(
            [_NUMBERS[scene.number], *words, _PLURALS.get(scene.subject, scene.subject + "s")]
        )
    words.append(scene.subject)
    return " ".join([_article(words[0]), *words] if article else words)


def _hat(scene: Scene) -> str:
    if scene.number > 1:
        return f"{scene.hat}s"
    return f"a {scene.hat}"


def _where(scene: Scene, rng: Random) -> str:
    if scene.background in _WHERE:
        return rng.choice(_WHERE[scene.background])
    color = scene.background
    return rng.choice(
        (
            f"on {_article(color)} {color} background",
            f"on a plain {color} background",
            f"in front of {_article(color)} {color} background",
        )
    )


def _background_tag(scene: Scene) -> str:
    return scene.background if scene.background in _WHERE else f"{scene.background} background"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
