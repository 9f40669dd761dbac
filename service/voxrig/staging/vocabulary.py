"""Words for feelings, and the mix of the ten emotions that each puts on the face.

How a word gets its mix:

1. Its family gives the emotion that leads. Families and their steps are those of Plutchik's cone ("A general
   psychoevolutionary theory of emotion", 1980): annoyance, anger, rage are one emotion at three amounts.
2. Its step gives the amount: about 0.35 for the weak form, 0.7 for the plain word, 1 for the extreme.
   Words of low arousal on Russell's circumplex ("A circumplex model of affect", 1980) stay below 0.5:
   content and bored lie as far from the neutral face as pleased and gloomy, not as delighted and miserable.
3. A compound feeling takes a second emotion from Plutchik's dyads, at about half of the first: contempt is
   disgust with anger, remorse is sadness with disgust, awe is amazement with fear.
4. What the ten do not name goes by its look. EMFACS (Ekman and Friesen, 1983) reads a tightened corner on
   one side as contempt, and cheekiness is our one-sided expression. Lowered brows alone are concentration
   and confusion (Rozin and Cohen, "High frequency of facial expressions corresponding to confusion,
   concentration, and worry", 2003), so those borrow a little anger. Embarrassment has a held-back smile
   (Keltner, "Signs of appeasement", 1995).

The numbers are our own. Adverbs, -ness, comparatives and forms of verbs follow from the words by rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

Mix = Mapping[str, float]
"""Amounts by emotion; 1 is the whole expression. Empty is the neutral face."""

# Under the emotion that leads: its amount, then other emotions with theirs, then the words.
_FEELINGS = {
    "amazement": """
        0.35: curious, curiosity, interested, interest, intrigued, attentive, attention, alert, inquisitive,
            questioning, quizzical, wondering, listening, engaged
        0.4 anger 0.3: confused, confusion, puzzled, puzzlement, perplexed, baffled, bewildered,
            bewilderment, mystified, nonplussed, flummoxed, disoriented, disorientated, at a loss, lost
        0.7: surprised, surprise, astonished, astonishment, taken aback, caught off guard, wide-eyed
        1: amazed, amazement, astounded, stunned, speechless, dumbfounded, gobsmacked, flabbergasted,
            thunderstruck, staggered, open-mouthed, agape, dumbstruck, blown away
        0.8 fear 0.25 joy 0.2: awe, awed, awestruck, in awe, overawed, overwhelmed
        0.7 joy 0.4: wonder, wonderstruck, marvelling, dazzled, mesmerised, spellbound, starstruck
        0.45 joy 0.35: impressed, admiring, admiration, fascinated, fascination, expectant, anticipation
        0.8 fear 0.5: startled, shocked, shock, jolted, aghast, shaken
        0.6 cheekiness 0.4: incredulous, incredulity, disbelieving, disbelief, in disbelief
    """,
    "anger": """
        0.25: concentrating, concentrated, concentration, focused, focussed, focus, intent, thinking,
            pondering, considering, thoughtful, thought
        0.35: determined, determination, resolute, resolve, stubborn, firm, stern, strict, serious, severe,
            assertive, tough, commanding, authoritative, insistent, urgent, urgency
        0.4: annoyed, annoyance, irritated, irritation, irritable, peeved, miffed, cross, grumpy, grouchy,
            testy, tetchy, touchy, snappy, impatient, impatience, bothered, put out, bad-tempered, huffy,
            short-tempered, prickly, nettled, piqued, crabby, cranky, ratty, gruff, curt, brusque, ruffled
        0.55: exasperated, exasperation, frustrated, frustration, fed up, ticked off, frowning, frown,
            glaring, glare, scowling, scowl, harsh, scolding, accusing, accusatory, defiant, defiance,
            stroppy
        0.7: angry, anger, mad, irate, aggravated, hostile, hostility, aggressive, aggression, threatening,
            menacing, menace, heated, belligerent, combative, confrontational, fierce, hot-headed, pissed
            off, up in arms, shouting, snarling, temper
        1: furious, fury, enraged, rage, raging, livid, seething, fuming, incensed, infuriated, wrathful,
            wrath, apoplectic, murderous, boiling, explosive, seeing red, hopping mad, yelling, screaming,
            foaming
        0.6 sadness 0.35: bitter, resentful, resentment, sullen, sulky, sulking, aggrieved, disgruntled,
            moody, jealous, jealousy, envious, envy, reproachful, surly, petulant
        0.65 disgust 0.45: indignant, indignation, outraged, outrage, spiteful, spite, hateful, hatred,
            hate, malicious, malice, vengeful, vengeance, vicious, venomous, scathing, cruel, rancour, nasty
        0.5 fear 0.4: defensive, cornered, agitated, agitation, frantic, frenzied
    """,
    "cheekiness": """
        0.6: cheeky, playful, mischievous, mischief, impish, naughty, roguish, puckish, teasing,
            flirtatious, flirty, flirting, coy, sly, wry, ironic, irony, knowing, smirking, smirk, saucy,
            sassy, arch, jaunty, seductive, suggestive
        0.65 joy 0.35: tongue-in-cheek, tongue in cheek, joking, jokey, kidding, witty, cocky, smug,
            gloating, self-satisfied, boastful, conceited, bragging, swaggering, swagger
        0.55 disgust 0.3: sceptical, scepticism, doubtful, doubt, doubting, dubious, unconvinced, cynical,
            cynicism, sarcastic, sarcasm, sardonic, snide, snarky, mocking, mockery, dismissive, arrogant,
            arrogance, aloof, patronising, condescending, condescension, supercilious, haughty, superior
        0.5 anger 0.3: suspicious, suspicion, distrustful, distrust, mistrustful, mistrust, calculating,
            scheming, conspiratorial, cunning, devious, crafty, shifty, sinister, wicked
        0.4 sadness 0.25: sheepish, rueful, self-deprecating, wry smile
    """,
    "disgust": """
        0.35: distaste, put off, unimpressed, disapproving, disapproval, averse, aversion, squeamish,
            queasy, sour, reproving, judgmental, judgemental
        0.4 anger 0.3: cold, icy, frosty, displeased, displeasure, offended, affronted, insulted
        0.7: disgusted, disgust, repelled, sickened, nauseous, nauseated, nausea, repulsed, grossed out,
            gross
        1: revolted, revulsion, repulsion, repugnance, abhorrence
        0.6 cheekiness 0.35 anger 0.2: contempt, contemptuous, disdain, disdainful, scorn, scornful,
            sneering, sneer, derision, derisive, snobbish, snobby
        0.75 anger 0.5: loathing, detesting, despising, appalled
    """,
    "fear": """
        0.3: cautious, caution, careful, wary, guarded, hesitant, hesitation, hesitating, unsure, uncertain,
            uncertainty, tentative, reluctant, reluctance, uneasy, unease, unsettled, uncomfortable
        0.35 joy 0.2: shy, bashful, timid, self-conscious, awkward, demure
        0.5: nervous, worried, worry, anxious, anxiety, apprehensive, apprehension, tense, tension, on edge,
            edgy, jittery, jumpy, skittish, fretful, stressed, stress, rattled, flustered, restless,
            insecure, intimidated, uptight, worrying, panicky, strung out, butterflies
        0.4 sadness 0.3: concerned, concern, troubled, vulnerable, vulnerability
        0.75: afraid, fear, fearful, scared, frightened, fright, alarmed, alarm, spooked, threatened, dread,
            dreading, trepidation, trembling, shaking, quaking, cowering, paranoid
        1: terrified, terror, petrified, panicked, panic, panicking, panic-stricken, scared stiff, scared to
            death, terror-stricken, hysterical, hysteria, frozen with fear
        1 disgust 0.35: horrified, horror, horror-stricken
        0.75 sadness 0.5: desperate, desperation, pleading, begging, imploring, helpless
    """,
    "grief": """
        0.5: tearful, weepy, welling up, wells up, choked up, chokes up, tears up, tearing up, close to
            tears, on the verge of tears, near tears, lump in the throat, mournful, teary
        0.75: grief, grieving, grief-stricken, mourning, bereaved, heartbroken, heart-broken,
            broken-hearted, brokenhearted, heartbreak, weeping, cry, wept, crying, tears, in tears, lamenting,
            bereft, desolate
        1: sobbing, sob, wailing, inconsolable, devastated, devastation, despair, despairing, hopeless, in
            despair, in floods of tears, breaking down, breaks down, breakdown, distraught, broken,
            shattered
        0.8 pain 0.45: anguish, anguished, distress, distressed, heart-rending
    """,
    "joy": """
        0.25: content, contented, contentment, serene, serenity, peaceful, at peace, at ease, comfortable,
            gentle, kind, soft, soothing, reassuring, polite, patient, accepting, mellow, fine
        0.4: pleased, glad, satisfied, satisfaction, friendly, welcoming, warm, warmth, tender,
            affectionate, affection, fond, caring, trusting, trust, grateful, gratitude, thankful, hopeful,
            hope, optimistic, optimism, confident, confidence, encouraging, encouraged, encouragement,
            supportive, approving, genial, amiable, relieved, relief, pleasant, good-natured, sincere,
            sweet, charming, polite smile
        0.55: amused, amusement, entertained, smiling, smile, light-hearted, lighthearted, good-humoured,
            humour, humorous, cheerful, cheery, cheers up, cheering up, merry, jolly, jovial, bright, sunny,
            upbeat, chirpy, bubbly, perky, breezy, brightens, loving, love, in love, adoring, adoration,
            besotted
        0.7: happy, joyful, joyous, joy, delighted, delight, enthusiastic, enthusiasm, passionate, passion,
            eager, eagerness, keen, zest, energetic, gleeful, glee, lights up, lighting up, celebrating
        1: ecstatic, ecstasy, elated, elation, euphoric, euphoria, overjoyed, jubilant, jubilation,
            exultant, exhilarated, rapturous, rapture, over the moon, on cloud nine, beaming, laughing,
            laughter, radiant, blissful, bliss, giddy, cracking up, in stitches
        0.6 cheekiness 0.35: proud, pride, triumphant, triumph, victorious, giggling, giggly, chuckling,
            chuckle, grinning, grin, silly, goofy, funny, tickled
        0.6 amazement 0.4: excited, excitement, thrilled, thrill, enchanted, charmed, inspired,
            anticipating, pleasantly surprised, exhilaration, enthralled
        0.5 sadness 0.4: bittersweet, nostalgic, nostalgia, moved, touched, sentimental, poignant
    """,
    "outofbreath": """
        0.4 sadness 0.25: tired, weary, fatigued, fatigue, sleepy, drowsy, worn out, drained, run down,
            yawning, yawn
        0.6 sadness 0.3: exhausted, exhaustion, spent, dead on his feet, knackered, burnt out, burned out
        0.75: breathless, out of breath, short of breath, winded, panting, puffed, puffing, gasping,
            wheezing, heaving
        0.8 fear 0.35: hyperventilating, gasping for air, choking, suffocating
    """,
    "pain": """
        0.4: sore, aching, ache, achy, wincing, wince, strained, straining, strain, discomfort, unwell, ill
        0.7: pain, in pain, painful, pained, hurting, suffering, injured, wounded, grimacing, grimace,
            stung, smarting
        1: agony, in agony, agonised, agonising, excruciating, tortured, torture, tormented, torment,
            writhing
        0.6 anger 0.35: gritted teeth, gritting teeth, teeth clenched, clenched teeth
    """,
    "sadness": """
        0.3: bored, boredom, listless, uninterested, apathetic, apathy, lethargic, lethargy, dull, subdued,
            resigned, resignation, solemn, sombre, somber, grave, reflective, sluggish
        0.4: wistful, melancholy, melancholic, pensive, lonely, homesick, down, blue, glum, pessimistic,
            pessimism, feeling down, feeling low, feeling blue, longing, yearning, sighing, sigh
        0.55: gloomy, gloom, moping, mopey, downcast, dejected, discouraged, disheartened, despondent,
            forlorn, downhearted, down in the dumps, heavy-hearted, low spirits, morose, dispirited,
            deflated
        0.7: sad, unhappy, sorrowful, sorrow, miserable, misery, wretched, depressed, depression, woeful,
            tragic
        0.55 amazement 0.25: disappointed, disappointment, let down, crestfallen, dismayed, dismay
        0.55 pain 0.35: hurt, hurt feelings, wounded feelings, heartache
        0.55 disgust 0.3: ashamed, shame, guilty, guilt, remorseful, remorse, regretful, regret, contrite,
            repentant, humiliated, humiliation, mortified
        0.35 joy 0.2 fear 0.2: embarrassed, embarrassment, apologetic, apologising, sorry, meek, humble,
            submissive
        0.45 joy 0.2: sympathetic, sympathy, compassionate, compassion, pity, empathetic, empathy,
            consoling, comforting, understanding
        0.45 anger 0.25: brooding, pouting, pout
    """,
}

# The neutral face and what cannot be told from it.
_NEUTRAL = """
    neutral, calm, flat, blank, deadpan, expressionless, impassive, stoic, poker-faced, straight-faced,
    composed, composure, cool, relaxed, unmoved, unemotional, emotionless, detached, indifferent,
    indifference, matter-of-fact, businesslike, professional, normal, plain, level-headed,
    dispassionate, factual, unfazed, unbothered, nonchalant, collected, calms down, calming down, no
    emotion, no expression, robotic, monotone, at rest, resting, unaffected, disinterested
"""


@cache
def entries() -> Mapping[str, Mix]:
    """The mix of every word and phrase, as the table writes them."""
    found: dict[str, Mix] = {word: {} for word in listed(_NEUTRAL)}
    for lead, table in _FEELINGS.items():
        for amounts, words in re.findall(r"([^:,\n]+):([^:]+)(?=\n|$)", table):
            first, *others = amounts.split()
            mix = {lead: float(first)}
            mix |= {name: float(amount) for name, amount in zip(others[::2], others[1::2], strict=True)}
            found |= dict.fromkeys(listed(words), mix)
    return found


def known() -> Mapping[str, tuple[str, ...]]:
    """The words for feelings by the emotion that leads in them, and those for the neutral face."""
    found = {lead: tuple(w for w, mix in entries().items() if strongest(mix) == lead) for lead in _FEELINGS}
    return {"neutral": tuple(listed(_NEUTRAL)), **found}


def strongest(mix: Mix) -> str:
    """The emotion that leads in a mix; ``neutral`` for an empty one."""
    return max(mix, key=lambda name: mix[name]) if mix else "neutral"


def listed(text: str) -> list[str]:
    """The words and phrases of a list with commas."""
    return [" ".join(word.split()) for word in text.split(",") if word.strip()]
