//! Routes, and what describes them in the OpenAPI document.
//!
//! The router is there from the start, the descriptions are made when somebody asks for the document: they are some
//! thousand objects, and a cold start has no time for them.

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::PathItemExt as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::Shared;

/// Handlers of one path, as `routes!` makes it of their names.
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) methods: MethodRouter<Shared>,
    pub(crate) description: fn() -> UtoipaMethodRouter<Shared>,
}

/// Several routes.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<Shared>,
    descriptions: Vec<Description>,
}

struct Description {
    /// What all of its paths begin with.
    prefix: Option<&'static str>,
    make: fn() -> UtoipaMethodRouter<Shared>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn routes(mut self, route: Route) -> Self {
        self.router = self.router.route(&route.path, route.methods);
        self.descriptions.push(Description { prefix: None, make: route.description });
        self
    }

    pub(crate) fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.descriptions.extend(others.descriptions);
        self
    }

    /// Adds routes whose paths get a prefix, which none of them has yet.
    pub(crate) fn nest(mut self, prefix: &'static str, others: Self) -> Self {
        self.router = self.router.nest(prefix, others.router);
        let nested = others.descriptions.into_iter();
        self.descriptions.extend(nested.map(|it| Description { prefix: Some(prefix), ..it }));
        self
    }

    /// What answers.
    pub(crate) fn into_router(self) -> Router<Shared> {
        self.router
    }

    /// `outline`, and the description of every route.
    pub(crate) fn describe(self, outline: OpenApi) -> OpenApi {
        let described =
            self.descriptions.into_iter().fold(OpenApiRouter::with_openapi(outline), |all, it| {
                let one = OpenApiRouter::new().routes((it.make)());
                match it.prefix {
                    Some(prefix) => all.nest(prefix, one),
                    None => all.merge(one),
                }
            });
        described.into_openapi()
    }
}

/// Answers some methods by a handler.
pub(crate) fn on<H, T>(
    router: MethodRouter<Shared>,
    methods: &[HttpMethod],
    handler: H,
) -> MethodRouter<Shared>
where
    H: Handler<T, Shared>,
    T: 'static,
{
    methods.iter().fold(router, |router, method| router.on(method.to_method_filter(), handler.clone()))
}

/// A [`Route`] of handlers that `utoipa::path` gives the same path.
macro_rules! routes {
    ($($first:ident)::+ $(, $($more:ident)::+)*) => {{
        use utoipa_axum::routes as described;
        let methods = $crate::routes::on(
            axum::routing::MethodRouter::new(),
            &described!(@path [methods()] of $($first)::+),
            $($first)::+,
        );
        $(let methods = $crate::routes::on(
            methods,
            &described!(@path [methods()] of $($more)::+),
            $($more)::+,
        );)*
        $crate::routes::Route {
            path: described!(@path [path()] of $($first)::+),
            methods,
            description: || described!($($first)::+ $(, $($more)::+)*),
        }
    }};
}

pub(crate) use routes;
