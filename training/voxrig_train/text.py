"""Sentences to speak: everyday and game-like English, made to carry every lip shape often.

Templates and words are ours. The order depends on the seed alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

_SUBJECTS = """the baker|my brother|a young woman|the blue fox|our farmer|the old wolf|Bob|Mabel|Fiona|Victor|the
 whole village|some people|a brave knight|every merchant|the shop keeper|your mother|Joy|George|the judge|that boy|
 the queen|her father|nobody|Walter|the wizard|a small bird|the pilot|Sheila|two soldiers|the mayor""".replace(
    "\n", ""
).split("|")
_VERBS = """bought|moved|found|followed|watched|pushed|gave up|broke|believed|washed|brought|picked up|measured|viewed|
 threw|chose|wrapped|buried|borrowed|forgot|fixed|saved|showed|shouted at|enjoyed|knew|remembered|opened|pulled|
 served""".replace("\n", "").split("|")
_OBJECTS = """a big apple pie|five fresh fish|the broken boat|a pair of blue shoes|the map of the river|those purple
 vases|a bowl of soup|the wooden bridge|a heavy book|both of the horses|more bread and butter|the empty bottle|a few
 good jokes|the voice of the sea|a yellow umbrella|the moon above the farm|a cup of coffee|every word of the poem|
 the old stone wall|a tiny wolf cub|the usual treasure|very fine wool|a warm fur coat|the church choir|a new
 job|some cheap shampoo|the north road|their favourite toy|a thousand thick feathers|the vivid vision""".replace(
    "\n ", " "
).split("|")
_PLACES = """before breakfast|in the afternoon|above the village|near the old bridge|for the first time|without a
 word|by the open window|on a rainy Wednesday|from the far shore|under the pale moon|about an hour ago|with great
 pleasure|at the bottom of the hill|over the weekend|through the thick fog|outside the shop|just above the
 bakery|during the long voyage|while the fire burned|as usual""".replace("\n ", " ").split("|")
_LINES = """Halt! Who goes there?|Please move away from the window.|Have you ever been to the moon?|I believe we
 have a problem.|Put your weapons down, or we will open fire!|Oh, you must be joking.|What should we do now?|Could you
 show me the way to the shop?|We should leave before the storm.|Maybe, maybe not. Who knows?|My name is Robin, and
 this is my home.|Five or six of them, maybe more.|Give me both of the maps, please.|You owe me fifty gold pieces.|I
 have never felt so alive!|Beware of the wolf by the river.|Would you like to buy a book of poems?|Few of us ever
 come back from above.|How much for the blue boots?|Wait, I heard a voice behind the door.|Bring me more of that
 wonderful pie.|We were born for better things.|Why do you follow me?|Push the button, then pull the lever.|Thank you
 for your brave help, my friend.""".replace("\n ", " ").split("|")
_WORDS = """amp baby bamboo bishop bubble cape club crab drum ember fabric fever fifth film five foam forgive
 fume gambling half harbor hover humble imp jump knife lamb leaf lobby loop mammal maple memo mob move mumble napkin
 obey oven paper pebble pump puppet ramp review robe safe seven shape shave shrimp sofa soup staff stamp survive swamp
 symbol tape thumb tribe tuba vapor verb view vivid volume wave web wife womb zip boat boot choose chew cow crow do
 glue goat go group grow house judge know look loose low measure moon mouth noise now own push room row rule sew shoe
 show shoot slow snow though throw tool toy true two vow voice wall want warm wash watch water were west wheel whole
 wide wine wood word work world wrong you your bath cat chart dark day deep each earth east eat eight end easy face
 garden girl gate get great guess hard hat heat ice itch key kite lake last laugh leather light list mass math night
 other path quick rain red right sad sea see seed sit sky star street teeth thank then thick thin think this three
 time tree us weather with yes zebra zoo azure beige genre vision usual""".split()


def sentences(seed: int) -> Iterator[str]:
    """An endless stream of sentences."""
    rng = random.Random(seed)
    while True:
        kind = rng.random()
        if kind < 0.55:
            said = (
                f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)} {rng.choice(_PLACES)}"
            )
            yield said.strip().replace("  ", " ").capitalize() + rng.choice((".", ".", ".", "?", "!"))
        elif kind < 0.75:
            yield rng.choice(_LINES).strip()
        else:
            words = rng.sample(_WORDS, rng.randint(5, 9))
            yield " ".join(words).capitalize() + "."
