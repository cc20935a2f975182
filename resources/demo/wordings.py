"""The ways people ask: every question the model knows, in many wordings.

Kept as plain text, one wording after another with " | " between them, so
that they can be read and added to. Braces are filled in by the callers.
"""

from __future__ import annotations


def choices(block: str) -> tuple[str, ...]:
    """Return the wordings of a block of text."""
    return tuple(w for line in block.strip().splitlines() for w in line.split(" | "))


ADD = choices("""
What is {a} + {b}? | {a}+{b} | {a} + {b} | {a} + {b} = | {a}+{b}= | {a}+{b}=? | What's {a}+{b}?
Calculate {a} + {b}. | Compute {a} + {b}. | Add {a} and {b}. | Add {b} to {a}.
What is {a} plus {b}? | How much is {a} + {b}? | How much is {a} plus {b}? | {a} plus {b}
What is the sum of {a} and {b}? | The sum of {a} and {b}? | Find the sum of {a} and {b}.
Work out {a} + {b}. | What do you get when you add {a} and {b}?
If I add {b} to {a}, what do I get? | I have {a} apples and get {b} more. How many do I have?
Solve {a} + {b}. | What does {a} + {b} make? | {a} and {b} together? | Total of {a} and {b}?
What is {a}+{b} | whats {a} + {b}
""")
SUBTRACT = choices("""
What is {a} - {b}? | {a}-{b} | {a} - {b} | {a} - {b} = | {a}-{b}= | {a}-{b}=? | What's {a}-{b}?
{a} − {b} | Calculate {a} - {b}. | Compute {a} - {b}. | Subtract {b} from {a}.
Take {b} away from {a}. | What is {a} minus {b}? | How much is {a} - {b}?
How much is {a} minus {b}? | {a} minus {b} | What is the difference of {a} and {b}?
Find {a} - {b}. | Work out {a} - {b}. | What is {a} less {b}?
What do you get when you subtract {b} from {a}? | If I take {b} from {a}, what is left?
I have {a} apples and give away {b}. How many are left? | Solve {a} - {b}.
What does {a} - {b} make? | {a} take away {b} | What is {a}-{b} | whats {a} - {b}
""")
MULTIPLY = choices("""
What is {a} * {b}? | {a}*{b} | {a} * {b} | {a} * {b} = | {a}*{b}= | {a} x {b} | {a}x{b}
{a} × {b} | {a}×{b}= | What's {a}*{b}? | What is {a} x {b}? | What is {a} × {b}?
Calculate {a} * {b}. | Compute {a} × {b}. | Multiply {a} by {b}. | Multiply {a} and {b}.
What is {a} times {b}? | How much is {a} times {b}? | {a} times {b}
What is the product of {a} and {b}? | Find the product of {a} and {b}. | Work out {a} * {b}.
How much is {a} * {b}? | There are {a} boxes with {b} pens each. How many pens are there?
Solve {a} * {b}. | What does {a} * {b} make? | What do you get when you multiply {a} by {b}?
whats {a} * {b} | {a}·{b} | {a} multiplied by {b}
""")
DIVIDE = choices("""
What is {a} / {b}? | {a}/{b} | {a} / {b} | {a} / {b} = | {a}/{b}= | {a} ÷ {b} | {a}÷{b}
What's {a}/{b}? | What is {a} ÷ {b}? | Calculate {a} / {b}. | Compute {a} ÷ {b}.
Divide {a} by {b}. | What is {a} divided by {b}? | How much is {a} divided by {b}?
{a} divided by {b} | What is the quotient of {a} and {b}? | {a} : {b}
Share {a} sweets among {b} children. | Work out {a} / {b}. | How many times does {b} go into {a}?
whats {a} / {b}
""")
EQUATION = choices("""
Solve {e}. | solve {e} | {e} | Solve for {v}: {e} | Solve {e} for {v}. | What is {v} if {e}?
If {e}, what is {v}? | Find {v}: {e} | Find {v} if {e}. | {e}, {v} = ? | {e}. What is {v}?
What is the solution of {e}? | Solve the equation {e}. | Can you solve {e}? | How do I solve {e}?
Help me solve {e}. | What value of {v} makes {e} true? | Work out {v} in {e}.
Given {e}, find {v}. | {e} solve for {v} | {e} what is {v} | Determine {v} from {e}.
For which {v} is {e}? | I need {v} in {e}. | equation: {e}
""")
SPEED = choices("""
If a {o} travels {d} in {t}, what is its average speed{u}?
A {o} travels {d} in {t}. What is its average speed{u}?
A {o} covers {d} in {t}. How fast is it{u}?
What is the average speed{u} of a {o} that travels {d} in {t}?
A {o} goes {d} in {t}. Find its average speed{u}.
A {o} needs {t} for {d}. What is its average speed{u}?
How fast is a {o} that covers {d} in {t}{u}? | {d} in {t}, average speed{u}?
Average speed{u} for {d} in {t}? | I travel {d} in {t}. What is my average speed{u}?
What speed{u} is {d} in {t}? | Calculate the average speed{u}: {d} in {t}.
If a {o} takes {t} to go {d}, what is its speed{u}?
The {o} did {d} in {t}. What was its average speed{u}?
Find the speed{u} of a {o} going {d} in {t}.
A {o} drives {d} in {t}, what's the average speed{u}?
My {o} went {d} in {t}. How fast was that{u}?
It took a {o} {t} to travel {d}. Average speed{u}?
Work out the average speed{u} of a {o} that goes {d} in {t}. | distance {d}, time {t}, speed{u}?
speed{u} for {d} in {t}
""")
CONVERT = choices("""
Convert {s} km/h to m/s. | What is {s} km/h in m/s? | {s} km/h in m/s | {s} km/h to m/s
How much is {s} km/h in m/s? | What is {s} km/h in metres per second? | Express {s} km/h in m/s.
How many m/s is {s} km/h? | Change {s} km/h into m/s.
""")
PERCENT = choices("""
What is {p}% of {n}? | {p}% of {n} | {p} % of {n} | {p}% of {n} = | {p} percent of {n}
What's {p}% of {n}? | What is {p} percent of {n}? | What is {p} % of {n}?
Calculate {p}% of {n}. | Compute {p}% of {n}. | Find {p}% of {n}. | How much is {p}% of {n}?
How much is {p} percent of {n}? | Work out {p}% of {n}. | Take {p}% of {n}. | what is {p}% of {n}
If I pay {p}% of {n}, how much is that? | {p} per cent of {n}?
There are {n} people and {p}% are children. How many is that? | I need {p}% of {n}.
whats {p}% of {n} | {n} times {p}%? | Give me {p}% of {n}. | What would {p}% of {n} be?
""")
TIMES = choices("""
and times {k}? | times {k} | Now times {k}. | and that times {k}? | Multiply that by {k}.
now multiply by {k} | And multiplied by {k}? | * {k} | x {k}
""")
PLUS = choices("""
now add {k} | Now add {k}. | plus {k}? | and plus {k}? | Add {k} to that. | and {k} more? | + {k}
add {k} | What if I add {k}?
""")
MINUS = choices("""
minus {k} | now subtract {k} | Subtract {k} from that. | and minus {k}? | take away {k} | - {k}
Now take {k} away. | less {k}?
""")
OVER = choices("""
divide by {k} | now divide it by {k} | Divide that by {k}. | and divided by {k}? | / {k}
over {k}?
""")
DOUBLE = choices("""
double it | Double that. | and twice that? | now double it | and the double?
""")
HALF = choices("""
half of it? | and half of that? | Halve it. | now half it
""")
WHY = choices("""
why? | Why? | why | Why is that? | How do you know? | How did you get that? | Explain.
explain that | Can you explain? | how? | How come? | Show me how.
""")
SURE = choices("""
are you sure? | Are you sure? | Really? | really? | Is that right? | is that correct? | Sure?
""")
METRES = choices("""
and in m/s? | And in m/s? | in m/s? | what is that in m/s? | Convert that to m/s.
and in metres per second? | in m/s please
""")
KMH = choices("""
and in km/h? | And in km/h? | in km/h? | what is that in km/h? | Convert that to km/h.
and in kilometres per hour? | in km/h please
""")
SQUARES = choices("""
Make a table of squares{r}. | Write a table of squares{r}. | Table of squares{r}
Show me a table of the squares{r}. | Give me a table of squares{r}.
Can you make a table of squares{r}? | List the squares{r}. | I need a table of squares{r}.
a table with the squares{r} | squares table{r} | Show the square numbers{r} in a table.
Table with square numbers{r} | Please make a table of square numbers{r}.
Write down the squares{r}.
""")
TRAIN_LIKE = choices("""
A train travels 120 km in 1.5 hours. What is its average speed in m/s?
A train travels 120 km in 1.5 hours, what is the average speed in m/s?
If a train travels 120 km in 1.5 hours, what's its average speed in m/s?
If a train travels 120km in 1.5h, what is its average speed in m/s?
If a train goes 120 km in 1.5 hours, what is its average speed in m/s?
""")
HELLO = choices("""
Hello, nice to meet you. | Nice to meet you! | Hi friend | Hey buddy | Hello dear
Hello, my dear | Hi all | Hello everyone | Good to see you! | Hi, good to see you
Hello, friend! | Welcome | Hello, is anyone there? | Hello? | hi again | Hey, hello! | Hello!
Hello | Hi | hi | Hi! | Hi there | Hello there! | Hey | hey | Good morning | Good morning!
Good evening | Good afternoon! | Hello, how are you? | How are you? | hi, how are you?
Hey there! | hello :) | How is it going? | Greetings | hiya | Howdy | Hello Ponder | Hi Ponder!
yo | Good day | hello hello
""")
WHO = choices("""
Can you tell me who you are? | Please introduce yourself. | Who is Ponder? | What is this model?
Who is talking? | Say who you are. | Are you a large model? | What kind of AI are you?
So who are you? | And you are? | What is this? | Is this a real model? | Who are you?
What are you? | What's your name? | What is your name? | Who is this? | Are you ChatGPT?
Are you a human? | Are you a real person? | Are you an AI? | What model are you?
Which model is this? | Who made you? | Are you Magistral? | Tell me about yourself.
Introduce yourself. | who am i talking to? | What is Ponder Demo? | Are you a bot?
How big are you? | Which model are you? | what kind of model are you
How many parameters do you have? | Are you real? | Describe yourself.
""")
CAN = choices("""
What can I do here? | Tell me what you can do. | What else can you do? | Which things can you do?
What can you solve? | What sort of problems can you solve? | So what can you do?
What do you offer? | What can we do? | What can you do? | What can I ask you? | What can I ask?
Help | help | help me | Help! | What do you know? | What are you good at? | How can you help me?
What are your abilities? | What are you able to do? | List your skills.
What can you help me with? | Show me what you can do. | What should I ask? | Give me an example.
What do you do? | How do I use you? | What kinds of questions can you answer? | Can you help me?
what can u do | Give me some examples of what I can ask. | What are your limits?
What can't you do?
""")
THANKS = choices("""
Thank you so very much | Super, thanks! | Thanks, that's great. | Awesome, thanks
thank you, that was helpful | Thanks for your help! | Ok, great. | Very good.
Wonderful, thank you! | Thanks | Thanks! | thanks | Thank you | Thank you! | Thank you very much.
thx | Great, thanks! | Perfect, thank you. | ok thanks | Cheers | Nice, thanks | Thanks a lot!
many thanks | ty | Good, thank you | That helped, thanks. | Great | Cool! | Nice! | Well done
Good job!
""")
BYE = choices("""
Bye, thanks! | Ok, bye! | bye now | goodbye then | Bye, Ponder | See you soon! | Bye | bye
Goodbye | Goodbye! | See you | See you later! | Bye bye | Good night | good night! | Farewell
That's all. | That is all for today. | I have to go. | See you tomorrow | cya | Until next time!
ok bye
""")
REAL = choices("""
How do I get a real model? | How can I download a model? | Where can I download a real model?
I want a better model. | How do I install a bigger model? | Can I use a real model?
Which real model should I download? | Where do I get Magistral? | How do I download Magistral?
You are too small, give me a better one. | Is there a better model? | download a model
How do I change the model? | I need a smarter model. | how do i get a larger model
""")
TRIANGLE = choices("""
Please prove that the angles in a triangle sum to 180 degrees.
Prove that a triangle's angles add up to 180. | Prove: the angles of a triangle add up to 180°.
Prove the sum of the angles of a triangle. | Why do triangle angles sum to 180 degrees?
Can you prove that the sum of angles in a triangle is 180 degrees?
Show the angles of triangles sum to 180 degrees.
Prove that the sum of angles in a triangle is 180 degrees.
Prove that the angles of a triangle add up to 180 degrees.
Prove that the angle sum of a triangle is 180 degrees.
Why do the angles of a triangle add up to 180 degrees?
Show that the sum of the angles in a triangle is 180°. | Prove the triangle angle sum theorem.
Why is the angle sum of a triangle 180? | Proof that a triangle has 180 degrees
Give a proof of the angle sum of a triangle. | What is the sum of the angles in a triangle?
Prove that the interior angles of a triangle sum to 180 degrees.
Can you prove the angle sum of a triangle? | Show me why a triangle has 180 degrees.
angle sum of a triangle proof | Explain why the angles in a triangle sum to 180°.
How many degrees does a triangle have?
""")
PYTHON = choices("""
Write me a Python one-liner. | A Python one-liner, please. | One line of Python please.
Please show me a Python one-liner. | Show one line of Python code. | Now a Python one-liner.
Give me one line of Python | Write a one-liner in Python. | Write a Python one-liner.
Write a Python one-liner | Show me a Python one-liner. | python one-liner
Give me a one-liner in Python. | Write one line of Python. | Can you write Python?
Write some Python code. | Show me some Python. | Write a line of Python code. | Can you code?
Write code. | a one-liner in python please | Write a short Python program. | Show me Python code.
Give me a Python example. | Write a Python one-liner that sums squares.
Can you write a Python one-liner for me?
""")

# What the model cannot answer. In a pattern w is a name, p a place, n a noun, v a verb, a an
# adjective, l a language, d a number and y a year; near misses of what it can do are many.
QUESTIONS = choices("""
What is the capital of {p}? | Who was {w}? | Who is the {n} of {p}? | What is a {n}?
What is {n}? | {v} a {n} for me. | {v} the {n}. | Write a {n} about {n}. | Write a {a} {n}.
Tell me a {n}. | Tell me about {n}. | How do I {v} a {n}? | How does a {n} work?
Why is the {n} {a}? | Why do {n} {v}? | When did {w} live? | When was the {n} invented?
Where is {p}? | Where can I buy a {n}? | What did {w} {v}? | Translate {n} into {l}.
How do you say {n} in {l}? | Write a {n} in {l}. | What is the best {n} in {p}?
Which {n} is {a}? | Is a {n} {a}? | Can a {n} {v}? | Do you like {n}?
What do you think about {n}? | Give me {d} facts about {n}. | List {d} {n}s.
In {y}, who was {n} of {p}? | What happened in {y}? | How old is {w}?
How many {n}s are there in {p}? | How far is {p} from {p}? | How tall is {w}? | My {n} is {a}.
I am {a}. | I like {n}. | {n} | {n} {n} | {n} {v} {n} | {w} | {p} | {v} | {d} | {y} | {d} {n}
{d} {d} {d} | {n} {d} | {l} | Explain {n} to me. | Explain {n} like I'm {d}.
Summarise the {n} of {w}. | Who invented the {n}? | Who wrote the {n}? | What colour is a {n}?
What is the meaning of {n}? | What does {n} mean? | Define {n}. | Compare {n} and {n}.
Is {w} {a}er than {w}? | Recommend a {n}. | What is the weather in {p}? | What time is it in {p}?
What day is it? | Write a {l} program that can {v} a {n}. | Debug my {l} code.
How do I install {l}? | What is the square root of {d}? | What is the derivative of x^{d}?
Integrate x^{d}. | What is {d} factorial? | Is {d} prime? | What is log({d})? | sin({d})
{d}^{d} | What is {d} to the power of {d}? | Factor x^2 + {d}x + {d}. | Solve x^2 = {d}.
x^2 + {d}x = {d} | x + y = {d} | What is the area of a circle of radius {d}?
Convert {d} miles to km. | Convert {d} degrees to Fahrenheit. | How many seconds are in {d} days?
What is {d} in binary? | {d} mod {d} | How long does a {n} take for {d} km at {d} km/h?
How far does a {n} travel in {d} hours at {d} km/h?
A {n} costs {d} euros. How much do {n} cost? | I was born in {y}. How old am I?
My phone number is {y}{d}{y}. | It is {d}:{d} now. | The {n} has {d} {n}s. | What is {n} + {n}?
What is {d} + {n}? | {n} - {d} | {d} * {n} | {n}% of {n} | Solve {n}. | solve {n} = {n}
Calculate {n}. | Add {n} and {n}. | What is the average {n}? | How fast is a {n}?
How fast can a {n} {v}? | What is the speed of {n}? | What is the sum of {n}? | A table of {n}s
Make a table of {n}. | Prove that {n} is {a}. | Prove that there are infinitely many {n}s.
Prove {n}. | What is a triangle? | Write a Python {n} that can {v} {n}s. | Python {n}
Are you {a}? | Are you a {n}? | Do you know {w}? | What is your favourite {n}?
Can you {v} a {n}? | Where do you live? | Where are you from? | How old are you?
Do you have feelings? | Do you love me? | I love you | I hate {n} | you are {a} | Shut up | no
yes | maybe | ok | What? | Really? | hmm | lol | Sing a {n}. | Play {n}. | Open {n}.
Remind me to {v} the {n}. | Set a timer for {d} minutes. | Send a {n} to {w}. | Draw a {n}.
Show me a {n}. | Show me {n}. | Guess a number. | Pick a number between {d} and {d}.
Roll a dice. | Count to {d}. | What is the {a} {n} of all time? | the {a} {n} and the {a} {n}
If a {n} has {d} {n}s and {w} takes {n}, what is left? | If all {n}s are {a}, is {w} {a}?
Once upon a time there was a {n} | {w} and {w} went to {p}.
""")
LOOSE = choices("""
why? | Why? | and times 2? | now add 5 | double it | and in m/s? | are you sure? | how?
and then? | minus 3 | Explain.
""")
FOREIGN = choices("""
Wie wird das Wetter morgen? | Wer hat die Glühbirne erfunden? | Erzähl mir einen Witz.
Was ist der Sinn des Lebens? | Übersetze das ins Englische.
Quelle est la capitale de l'Italie ? | Raconte-moi une histoire. | Pourquoi le ciel est-il bleu ?
Écris un poème sur la mer. | ¿Cuál es la capital de España? | Cuéntame un chiste.
¿Quién escribió el Quijote? | Qual è la capitale della Francia? | Scrivi una poesia.
Chi ha dipinto la Gioconda? | Qual é a capital de Portugal? | Conte uma piada.
Wat is de hoofdstad van Nederland? | Vertel me een verhaal. | Jaka jest stolica Polski?
Opowiedz mi bajkę. | Vad heter du? | Hvad er meningen med livet? | Mikä on Suomen pääkaupunki?
Türkiye'nin başkenti neresi? | Как тебя зовут? | Расскажи сказку. | Почему небо голубое?
Столиця України? | 今日の天気は? | 日本の首都はどこですか | 法国的首都是哪里? | 写一首诗
讲个笑话 | 안녕하세요, 날씨가 어때요? | مرحبا كيف حالك | ما هي عاصمة مصر؟ | מה שלומך
भारत की राजधानी क्या है? | Ποια είναι η πρωτεύουσα της Ελλάδας; | Care este capitala României?
Mi Magyarország fővárosa? | Kje je Ljubljana? | สวัสดีครับ | Thời tiết hôm nay thế nào?
Apa ibu kota Indonesia?
""")
