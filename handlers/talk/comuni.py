from handlers.rules.comuni import *
