"""Sentences to speak: everyday and game-like, made to carry every lip shape often.

Templates and words are ours; rare English words come from the CMU dictionary (BSD) that PocketSphinx
carries. The order depends on the seed alone.
"""

from __future__ import annotations

import random
import re
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


# What people say in the other languages, and words that carry their lips.
_FOREIGN = {
    "de": """Guten Morgen, wie geht es Ihnen?|Bitte öffnen Sie das Fenster.|Wo finde ich den Bahnhof?|Wir müssen vor
 dem Sturm aufbrechen.|Das ist ein wunderschönes Bild.|Halt, wer ist da?|Ich glaube, wir haben ein Problem.|Fünf Pfund
 Äpfel und zwölf Brötchen.#Bäume Mutter Vater Pferd Apfel fünf über Vogel Wolf Wasser Zwiebel Brücke König Mühle
 Schule Buch Blume Pfeffer Frühling Abend Fisch Boot Baum Haus Maus Feuer Freude Käse Löffel Ofen Umweg Bild Wein
 Kampf Topf Suppe Puppe Mond Sonne Stimme Schiff gehen kommen bleiben geben hoffen öffnen warum vielleicht""",
    "fr": """Bonjour, comment allez-vous?|Ouvrez la fenêtre, je vous prie.|Où se trouve la gare?|Nous devons partir avant
 la pluie.|Quel beau tableau bleu!|Je crois que nous avons un problème.|Donnez-moi une bouteille de vin.#pomme pont
 bateau femme homme feu fleur fruit vache voiture papa maman bébé plume poule roue route lune mur rue oiseau beurre
 peur heure coeur soupe boule bouche poisson pain bon vent savon jambe lampe champ loup fou vivre boire ouvrir avoir
 aimer vouloir pouvoir toujours jamais beaucoup peut-être bonjour merci""",
    "es": """Buenos días, ¿cómo está usted?|Abra la ventana, por favor.|¿Dónde está la estación?|Debemos salir antes de la
 tormenta.|Creo que tenemos un problema.|Me gustaría beber un vaso de vino.#puerta barco mujer hombre fuego flor fruta vaca
 coche padre madre bebé pluma pollo rueda luna muro pájaro sopa boca pez pan viento jabón pierna campo lobo loco vivir
 beber abrir haber amar querer poder siempre nunca mucho quizás nuevo bueno agua huevo libro pueblo familia""",
    "it": """Buongiorno, come sta?|Apra la finestra, per favore.|Dove si trova la stazione?|Dobbiamo partire prima della
 pioggia.|Credo che abbiamo un problema.|Vorrei bere un bicchiere di vino.#porta barca donna uomo fuoco fiore frutta
 mucca padre madre bambino piuma pollo ruota luna muro uccello zuppa bocca pesce pane vento sapone gamba campo lupo
 vivere bere aprire avere amare volere potere sempre mai molto forse nuovo buono acqua uovo libro famiglia amico""",
    "ja": """おはようございます、お元気ですか。|窓を開けてください。|駅はどこですか。|嵐の前に出発しましょう。|とても
美しい絵ですね。|問題があると思います。|水を一杯飲みたいです。#海 山 川 花 魚 鳥 猫 馬 母 父 友達 学校 本 車 船 雨 風 火 水
 パン ぶどう 豆腐 味噌 紙 窓 耳 目 口 足 夢 冬 春 秋 夏 文化 番号 勉強 部屋 毎日 今 明日 僕 あなた""",
    "zh": """早上好,你好吗?|请把窗户打开。|火车站在哪里?|我们必须在下雨之前出发。|我想我们有一个问题。|这是一幅很美的
画。|请给我一杯水。#爸爸 妈妈 朋友 苹果 面包 房子 飞机 汽车 风 雨 雪 书 门 窗户 马 猫 狗 鱼 鸟 花 木头 目标 北方 平安 明白 非常
 方便 发现 分别 帮忙 跑步 奔跑 玻璃 葡萄 牛奶 米饭 五 八 部分 女儿 绿色 月亮 旅行 雨伞""",
}


def sentences(seed: int, language: str = "en") -> Iterator[str]:
    """An endless stream of sentences. Raises KeyError for a language without words."""
    rng = random.Random(seed)
    return _english(rng) if language == "en" else _foreign(rng, language)


def _foreign(rng: random.Random, language: str) -> Iterator[str]:
    lines, _, words = _FOREIGN[language].replace("\n ", " ").replace("\n", "").partition("#")
    space = "、" if language == "ja" else "," if language == "zh" else " "
    while True:
        if rng.random() < 0.4:
            yield rng.choice(lines.split("|"))
        else:
            yield space.join(rng.sample(words.split(), rng.randint(5, 8))) + "."


def _english(rng: random.Random) -> Iterator[str]:
    rare = _dictionary()
    while True:
        kind = rng.random()
        if kind < 0.3:
            said = (
                f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)} {rng.choice(_PLACES)}"
            )
            yield said.strip().replace("  ", " ").capitalize() + rng.choice((".", ".", ".", "?", "!"))
        elif kind < 0.4:
            yield rng.choice(_LINES).strip()
        elif kind < 0.5:
            words = rng.sample(_WORDS, rng.randint(5, 9))
            yield " ".join(words).capitalize() + "."
        else:
            # Words of the dictionary with everyday ones between: every phone beside every other.
            words = [rng.choice(rare if i % 2 else _WORDS) for i in range(rng.randint(5, 10))]
            yield " ".join(words).capitalize() + rng.choice("..?!")


def _dictionary() -> list[str]:
    from pocketsphinx import get_model_path

    with open(get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as f:
        words = (line.split()[0] for line in f)
        return [w for w in words if re.fullmatch("[a-z]{4,9}", w)]
