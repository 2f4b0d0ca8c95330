from handlers.rules.reading import *
