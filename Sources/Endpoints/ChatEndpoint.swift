import AsyncHTTPClient
import Basics
