"""Book and model in, Summary or Answer out: values, no printing."""
