"""Pictures of what a model sees and how it learned; ``python -m benchmarks.figures``.

Colors are RGB uint8 throughout, as matplotlib has them; frames of the data sets are BGR.
"""
