"""Who answers: one file per backend behind `LLMService`."""
