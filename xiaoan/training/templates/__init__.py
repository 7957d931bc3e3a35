"""Made dialogues of a procedure: a template file's steps, what people say at them, and the answer that follows."""
