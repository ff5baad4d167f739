import Basics
import Hummingbird
