"""A model as a web service: the only folder that imports starlette and uvicorn."""
