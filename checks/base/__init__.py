"""What all checks share: nagiosplugin's Resource, Metric, Context and Summary, with its gaps mended."""
