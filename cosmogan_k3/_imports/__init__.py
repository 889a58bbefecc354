"""What is imported when: public names on first use, the backend before Keras, extras if needed."""
