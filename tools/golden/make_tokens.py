#!/usr/bin/env python3
"""Write tests/golden/tokens/{bpe,wordpiece}.jsonl: awkward texts and the ids that open_clip gives them.

One JSON object a line: {"text": ...} or, for what is not UTF-8, {"hex": ...} (decoded with U+FFFD for what is broken,
as the program does), and "ids" without padding. The first line says with what they were made.
  .venv/bin/python tools/golden/make_tokens.py
For a longer comparison than the repository wants to hold, written to folder OUT:
  ... make_tokens.py --random N OUT      N random texts
  ... make_tokens.py --codepoints OUT    a text for each letter, mark, sign ... that regex knows (50,000)"""

import json
import os
import random
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import ftfy
import open_clip
import regex
import tokenizers
import transformers
import shutil

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

PLAIN = """a photo of a dog
A dog.
two dogs playing in the snow, one black & one white
the quick brown fox jumps over the lazy dog
Sunset over the sea -- with clouds... and a ship!
It's John's, isn't it? They're here; we've come; I'm late; you'll see; he'd go
IT'S JOHN'S, ISN'T IT? THEY'RE HERE; WE'VE COME; I'M LATE; YOU'LL SEE; HE'D GO
rock 'n' roll 'tis 'twas 'sup ''s ',s 'S 'T 'RE
1234567890 3.14159 1,000,000 12:30 2024-05-17 No. 7 x2 4k 1080p
https://example.com/a/b?c=d&e=f#g http://user:pw@host:80/~x/%20y.jpg
mail me@example.org now #hashtag @mention $100 50% C++ C# a_b snake_case kebab-case camelCase
!!! ??? ... --- ___ *** ~~~ ^^^ ``` ''' \"\"\" ((())) [[[]]] {{{}}} <<<>>> /// \\\\\\ |||
:-) :( ;-) <3 ^_^ o_O ¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻ ʕ•ᴥ•ʔ (づ｡◕‿‿◕｡)づ
supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis
aaaaaaaaaaaaaaaa bbbbbbbbb hahahahahaha zzzzzzzzzzzzzz
x
X
!
7""".split("\n")

WORLD = """crème brûlée à la carte, naïve façade, Ærøskøbing, smörgåsbord, Łódź, Čeština, ÅNGSTRÖM
cafe\u0301 vs café, e\u0301\u0301, n\u0303, A\u030angstro\u0308m, o\u0328\u0304, \u1e9b\u0323, s\u0323\u0307, \u212b \u2126 \u212a
İstanbul'da ışık, IĞDIR, ıI iİ, İİİ i\u0307
ΟΔΥΣΣΕΥΣ Σίσυφος ΣΑΣ Σ ΑΣ. ΑΣΑ Α.Σ. ΑΣ' ΑΣ'Α ΑΣ\u0301 ΑΣ\u0301Α aΣ 1Σ ΑΣ1 ΑΣ\u00ad ΑΣ\u200dΑ ⅠΣ ªΣ ⓐΣ
Straße STRASSE ẞ ß ŒUVRE œuvre Æ æ Þ þ Ð ð Ø ø ſ ſt 'ſ <ſtart_of_text>
ﬁ ﬂ ﬀ ﬃ ﬄ ﬅ ﬆ Ĳ ĳ ŉ Ǆ ǅ ǆ Ǉ ǈ ǉ Ǌ ǋ ǌ Ǳ ǲ ǳ oﬃce ﬂuﬃest
ＦＵＬＬ ｗｉｄｔｈ　１２３ ！？ ￥ ￦ ￣ ﾊﾛｰ ﾜｰﾙﾄﾞ ｶﾞ ﾡ ￨ ￩ ￭
“curly” ‘quotes’ ‚low‛ „double‟ «guillemets» ‹single› it’s ‘tis ʼn O’Neill rock ’n’ roll
dash – em — bar ― minus − hyphen ‐ nonbreaking ‑ figure ‒ soft\u00adhyphen ellipsis…
中文图片搜索 猫和狗 北京市 你好，世界！ 繁體中文測試 （括号）
日本語のテスト 東京タワー ひらがな カタカナ 漢字交じり文 ｡｢｣、・
한국어 이미지 검색 고양이와 강아지 안녕하세요 \u1112\u1161\u11ab\u1100\u116e\u11a8
ภาษาไทย แมวกับหมา สวัสดีครับ น้ำ
العربية صورة قطة مَرْحَبًا ١٢٣ لا إله ﷺ ﻻ
עברית תמונה של חתול שָׁלוֹם יִשְׂרָאֵל
हिन्दी बिल्ली का चित्र नमस्ते क्षत्रिय १२३ ज़
বাংলা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം ગુજરાતી ਪੰਜਾਬੀ සිංහල ລາວ မြန်မာ ខ្មែរ བོད
Русский кот и собака, Ёлка й Й И\u0306 ПРИВЕТ
Українська ґанок їжак, Српски ђ њ љ џ, Монгол ᠮᠣᠩᠭᠣᠯ
Ελληνικά γάτα ΆΈΉΊΌΎΏ ϊΐ ᾳ ᾼ ᾀ ὐ
Հայերեն ՀԱՅԵՐԵՆ և ქართული ᲥᲐᲠᲗᲣᲚᲘ ამჰარული አማርኛ ᏣᎳᎩ ꭰ
Tiếng Việt con mèo và con chó Nguyễn ĐẶNG ơ ư
Xin ch\u0061\u0300o b\u1ea1n vi\u1ec7t ti\u0065\u0302\u0301ng
𝒜 𝓫 𝔠 𝕕 𝖊 𝗳 𝟙𝟚𝟛 ⓐⓑⓒ ⒶⒷ ① ② Ⅷ ⅷ ½ ⅓ ² ³ ₂ ⁿ ª º ㎏ ㏒ №
€ £ ¥ ¢ ₹ ₽ ₿ © ® ™ § ¶ † ‡ • · ° ± × ÷ ≤ ≥ ≠ ≈ ∞ ∑ ∏ √ ∫ ∂ ∆ ← → ⇒ ↔
𐌰𐌱𐌲 𐎠𐎡 𓀀𓀁 𠀀𠀁 𪚥 🂡 🀄 \U0002f800 \ufa11 \uf900 〇 々 〆 ㈱
\u1c89 \ua7cb \U00010d50 \U0001fae8 \U00031350 \U0002ebf0 \u0897 \u1c8a \U00011f04 \U0001e4d0""".split("\n")

EMOJI = """🐶 🐱 🌅 🏖️ ❤️ ❤ ☺️ ☺ ✈️ ✈
👍🏻👍🏼👍🏽👍🏾👍🏿 🤷🏽‍♀️ 👩🏾‍🚀
👨‍👩‍👧‍👦 👩‍❤️‍💋‍👨 🏳️‍🌈 🏴‍☠️ 🐻‍❄️ ❤️‍🔥
🇩🇪🇫🇷🇺🇸 🇬🇧 🏴󠁧󠁢󠁳󠁣󠁴󠁿 1️⃣ #️⃣ *️⃣ 🔟
dog🐶dog 🐶🐶🐶 happy😀face 100💯%
🫠🫡🥹 🫨 \U0001fadc \U0001f6dc ♀ ♂ ⚧ ☎ ⌛ Ⓜ️ ㊗️""".split("\n")

HTML = """fish &amp; chips &lt;b&gt; &quot;x&quot; &apos;y&apos; &nbsp; &copy; &reg; &hellip; &mdash; &euro;
&amp;amp; &amp;lt;b&amp;gt; &amp;amp;amp; &amp;amp;amp;amp; &amp;amp;amp;amp;amp; &amp;#38;#38;
&amp &lt &gt &copy &copycat &notit; &notin; &not &ampx &ltx; &para &parallel; &sect1 &times3 &timesb;
&#65; &#x41; &#X41; &#0065; &#x000041; &#65 &#x41 B &#65B &#x41G &#x41B;
&#0; &#x0; &#1; &#8; &#11; &#13; &#127; &#128; &#x80; &#129; &#146; &#150; &#x9f; &#159; &#160;
&#55296; &#xD83D;&#xDE00; &#xDFFF; &#1114111; &#1114112; &#x110000; &#99999999999999999999; &#xFFFFFFFFFF;
&#xFDD0; &#xFFFE; &#xFFFF; &#x1FFFE; &#65533; &#8203; &#8205; &#x200f; &#x1F436;
&#; &#x; &#xg; &; &amp;; & &  && &&amp; &a; &ab &unknown; &unknown &Unknown;
&EACUTE; P&EACUTE;REZ &NTILDE; &nTILDE; BUNDESSTRA&SZLIG;E &FFILIG; &AMP; &LT; &COPY; &HELLIP; &MDASH; &NBSP;
&eacute; &Eacute; &eacute &Eacutex &Aacute &aelig;&AElig;&aelig &szlig; &thorn; &ETH;
&NotEqualTilde; &bne; &fjlig; &ThickSpace; &acE; &NotSubset; &race; &CounterClockwiseContourIntegral; &CounterClockwiseContourIntegralx
<b>bold &amp; brave</b> <br/> &lt;i&gt; <a href="x?a=1&amp;b=2">
a < b &amp; c &eacute; &#233; &amp;eacute;
no tags &amp;eacute;\nthen <tag> &eacute;\nand after &eacute; &amp;eacute;
&ldquo;quoted&rdquo; it&rsquo;s &#8217;s &lsquo;x&rsquo; &#x27;s &#39;s &apos;s
&lrm;&rlm;&zwj;&zwnj;&shy;&ensp;&emsp;&thinsp;
&abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz; &ampersandandthensomemoretextwithoutasemicolonanywhere
&#12ab; &#59; &#x3b; &#38;amp; &#x26;#x26; &semi; &num; &#x41;&#x42;&#x43;
&é; &amp\u00e9; &ampé &copy\u3042 &\u00e9acute;""".split("\n")

SPACES = ["", " ", "   ", "\t", "\n", "\r\n", " a ", "a  b", "a\tb\nc\rd\r\ne\x0bf\x0cg", "a\u00a0b\u1680c\u2003d\u202fe\u205ff\u3000g",
          "a\u2028b\u2029c\u0085d", "a\u200bb\u200cc\u200dd\u2060e\ufefff", "\ufeffstart", "a\x1cb\x1dc\x1ed\x1ff", "a\u180eb",
          "\n\n\na\n\n\nb\n\n\n", "line one\nline two &amp; three\n<x> &amp;\nlast", "a\u00a0", "\u3000\u3000"]

CONTROL = ["a\x01b\x02c\x07d\x08e\x7ff", "\x1b[31mred\x1b[0m plain \x1b[1;32;40mgreen\x1b[m \x1b[x \x1b[12", "\x1b[\u0661\u0662mx",
           "a\u0080b\u0081c\u0091d\u0092e\u009ff", "bell\x07", "\u202eright to left\u202c \u2066x\u2069", "\u206aa\u206fb\ufff9c\ufffad\ufffbe\ufffcf",
           "soft\u00adhyphen", "a\ufffdb", "\ufffd\ufffd", "\ufffe\uffff", "\ue000 private \uf8ff \U000f0000", "\u034fx\u0345y\u1abe",
           "z\u0310\u0311\u0312a\u0313l\u0314g\u0315o", "\u0300alone", "tag\U000e0041\U000e0042", "\ufe0f \u20e3 a\u20dd", "\u061c\u200e\u200f"]

SPECIAL = """<start_of_text>
<end_of_text>
a <start_of_text> b <end_of_text> c
<START_OF_TEXT> <End_Of_Text>
x<start_of_text>y <<start_of_text>> .<end_of_text>.
<|startoftext|> <|endoftext|> </s> <s> <pad> <unk> <mask>
[CLS] [SEP] [PAD] [UNK] [MASK]
[cls] [sep] a[SEP]b [ SEP ] [[SEP]] [SEP][SEP] [MASK]ed x[UNK]y[CLS
a photo of [MASK] in the [PAD]
##ing ## # #dog un##able
[unused1] [unused99]
&lt;end_of_text&gt; &#91;SEP&#93;
[SEP\u200b] [S\u0301EP] ［ＳＥＰ］""".split("\n")

ORIGINALS = ["café", "naïve façade", "it’s a “test” – really…", "Ünïcödé ßtraße", "à la mode", "voilà le travail", "El Niño", "Ærøskøbing", "Привет мир", "Ελληνικά",
             "日本語", "中文", "😀 dog", "👨‍👩‍👧", "€100 £5 ¥3", "©®™", "Łódź", "Čeština", "İstanbul ışık", "فارسی", "עברית", "हिन्दी", "½ × ² ± °", "«guillemets»",
             "Ñandú", "Àngel", "Ábaco À", "¿Qué?", "¡Olé!", "São Paulo às", "Tiếng Việt"]


def mojibake():
    out = []
    for text in ORIGINALS:
        for enc in ("latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "macroman", "cp437"):
            bad = text.encode("utf-8").decode(enc)
            out.append(bad)
        out.append("a photo of " + text.encode().decode("sloppy-windows-1252") + " and " + text)
    for text in ("café", "it’s", "“quoted” text", "à la carte", "😀"):
        twice = text
        for _ in range(2):
            twice = twice.encode("utf-8").decode("sloppy-windows-1252")
        out += [twice, twice.encode("utf-8").decode("sloppy-windows-1252")]
        out.append(text.encode().decode("windows-1252", "replace"))
        out.append(text.encode().decode("latin-1").replace("\xa0", " "))
    out += ["Ã la carte", "voilÃ le travail", "fÃ cil", "Ã quele", "Â£5", "Â ", "5 Âµm", "Ã", "Â", "Å", "â€", "â€�", "â€œ like this â€�", "l’humanitÃ© Â©",
            "The Mona Lisa doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t have eyebrows.", "ï»¿bom", "schÃ¶n â€” cafÃ© 日本", "AHÅ™, the new sofa from IKEA®", "\x85 dots \x93q\x94",
            "caf\xc3\xa9 \u2019", "ÃƒÂ©", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "РїСЂРёРІРµС‚", "вЂ™", "ā€™", "β€™", "‚Äô", "√©", "≈°", "ÃÂ", "í\xa0½í¸\x80", "À\x80", "Ã© <b> &eacute;", "Ã&copy;", "&Atilde;&copy;",
            "\xed\xa0\xbd\xed\xb8\x80", "â\x80\x99", "à²¹à³†", "×¢×‘×¨×™×ª", "Ø§Ù„Ø¹Ø±Ø¨ÙŠØ©", "ÎšÎ±Î»Î·Î¼Î­ÏÎ±", "æ—¥æœ¬èªž", "ãƒ†ã‚¹ãƒˆ", "Ã¢ÂÂ¤", "â¤ï¸", "ð\x9f\x98\x80", "ðŸ˜€", "ðŸ ¶", "naÃ¯ve cafÃ? ", "cafÃ\x1a",
            "œ!", "Œ-x", "œuf", "É°", "×²", "voilà €5", "10°C ±2 µm", "«Où»", "† ‡", "L’Île-de-Ré", "100¥ £", "àŠ"]
    return out


LONG = ["dog " * 100, "a" * 99, "a" * 100, "a" * 101, "ab" * 300, "supercalifragilistic" * 8, "é" * 100, "é" * 101, "中" * 90, "🐶" * 60, "." * 200, "1" * 120, "x " * 75, "x " * 62, "x " * 63, "x " * 76, "q" * 5000,
        "word " * 61 + "[SEP]", "unbelievable " * 40, "qzxj" * 20, "e\u0301" * 60, "e\u0301" * 100, "e\u0301" * 101, "&amp;" * 90, "Ã©" * 90, "'s" * 80, "\u0301" * 150, ("z" * 100 + " ") * 3, "中a" * 40]

BROKEN = [b"\xff", b"caf\xe9", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x82\xac\xe2", b"\xe2(\xa1", b"\xf0\x9f\x90", b"\xf0\x9f", b"\xf0\x28\x8c\xbc", b"\xf0\x90(\xbc", b"a\x80b\xbfc", b"\xc0\x80", b"\xc1\xbf",
          b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe\xff", b"a dog \xff\xfe on grass", b"\xf0\x80\x80\x80",
          b"\xf4\x8f\xbf\xbf", b"\xef\xbb\xbfbom", b"it\x92s \x93quoted\x94", b"na\xefve", b"\xe2\x80\x99s \xe2\x80", b"\xc3\xa9\xc3"]

POOLS = ["abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789.,;:!?'\"()-_/&#<>[]", " \t\n\u00a0\u3000", "éèüößñçøåÉÀÇ\u0301\u0308İıΣςſ", "ÃÂâ€™œ©®°¿¡§¶±×²³\u0080\u0099\u009d\xad†‡‰ŠšŽžŸ–—…‚„“”", "ÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéê¤¥¦§¨ª«¬¯",
         "猫狗中文日本語ひらカタ한국", "🐶😀👍🏽\u200d♀\ufe0f🇩🇪", "ОДИНдваΑΒΓαβγאבגابجहिन्दी", "√∂ƒ∆˚¬…πøåß∑‚Äìîïòôúûü≈Ç", "│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟ΓÇÖ"]
BITS = ["&amp;", "&eacute", "&#233;", "&lt;", "Ã©", "â€™", "Ã ", "Â ", "'s", "'re", "<start_of_text>", "[SEP]", "[MASK]", "ﬁ", "ＡＢ", "\x1b[1m", "\ufffd", "\r\n", "ðŸ˜€"]


def random_texts(n, seed):
    rnd = random.Random(seed)
    out = []
    for _ in range(n):
        pools = rnd.sample(POOLS, rnd.randint(1, 4))
        parts = []
        for _ in range(rnd.randint(1, 25)):
            r = rnd.random()
            if r < 0.15:
                parts.append(rnd.choice(BITS))
            elif r < 0.3:
                parts.append(" ")
            elif r < 0.33:
                c = rnd.choice([rnd.randrange(0x20, 0x3000), rnd.randrange(0x20, 0x20000)])
                parts.append(chr(c) if not 0xD800 <= c < 0xE000 else "?")
            else:
                pool = rnd.choice(pools)
                parts.append("".join(rnd.choice(pool) for _ in range(rnd.randint(1, 4))))
        text = "".join(parts)
        if rnd.random() < 0.2:
            text = text.encode().decode(rnd.choice(["latin-1", "sloppy-windows-1252", "sloppy-windows-1252", "sloppy-windows-1251", "macroman", "cp437"]))
        if rnd.random() < 0.1:
            data = bytearray(text.encode())
            data[rnd.randrange(len(data))] = rnd.randrange(1, 256)
            text = bytes(data).decode("utf-8", "replace")
        out.append(text)
    return out


def codepoint_texts():
    bulk = regex.compile(r"[\p{Cn}\p{Cs}\p{Co}\p{Hangul}]|[\u3400-\u4dbe\u4e01-\u9ffe\U00020001-\U0002a6de\U0002a701-\U0003ffff]")
    chars = (chr(c) for c in range(1, 0x110000))
    return [f"a{c}b #{c}# {c}" for c in chars if not bulk.match(c)]


def wordpiece_tokenizer(folder):
    """open_clip's HFTokenizer on a local folder with the starter's vocabulary."""
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(ROOT, "models", "starter", name), folder)
    shutil.copy(os.path.join(ROOT, "models", "starter", "text_config.json"), os.path.join(folder, "config.json"))
    return open_clip.tokenizer.HFTokenizer(folder, context_length=64)


def rows(texts, encode):
    for t in texts:
        data = t if isinstance(t, bytes) else t.encode("utf-8")
        if b"\0" in data:
            continue
        row = {"hex": data.hex()} if isinstance(t, bytes) else {"text": t}
        yield {**row, "ids": encode(data.decode("utf-8", "replace"))}


def main():
    bpe = open_clip.tokenizer.SimpleTokenizer()
    with tempfile.TemporaryDirectory() as folder:
        wp = wordpiece_tokenizer(folder)

    def bpe_exact(text):  # padding is 0, which is also "!": count what the encoder gives
        n = min(len(bpe.encode(text)) + 2, bpe.context_length)
        return bpe(text)[0].tolist()[:n]

    def wp_exact(text):
        ids = wp(text)[0].tolist()
        kept = wp.tokenizer([wp.clean_fn(text)], max_length=64, truncation=True)["input_ids"][0]
        assert ids[: len(kept)] == kept and not any(ids[len(kept):])
        return kept

    texts = PLAIN + WORLD + EMOJI + HTML + SPACES + CONTROL + SPECIAL + mojibake() + LONG + BROKEN + random_texts(120, 20240607)
    out = os.path.join(ROOT, "tests", "golden", "tokens")
    if len(sys.argv) > 2 and sys.argv[1] == "--random":
        texts, out = random_texts(int(sys.argv[2]), random.randrange(1 << 30)), sys.argv[3]
    if len(sys.argv) > 2 and sys.argv[1] == "--codepoints":
        texts, out = codepoint_texts(), sys.argv[2]
    made = {"open_clip": open_clip.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
            "ftfy": ftfy.__version__, "regex": regex.__version__, "python": sys.version.split()[0]}
    os.makedirs(out, exist_ok=True)
    for name, encode, context in (("bpe", bpe_exact, 77), ("wordpiece", wp_exact, 64)):
        with open(os.path.join(out, name + ".jsonl"), "w", encoding="ascii") as f:
            f.write(json.dumps({"made_with": made, "context": context}) + "\n")
            for row in rows(texts, encode):
                f.write(json.dumps(row, separators=(",", ":")) + "\n")


main()
