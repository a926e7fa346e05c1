"""The screens: each shows a page, and turns keys into questions and acts."""
