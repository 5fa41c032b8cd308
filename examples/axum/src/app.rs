//! The application: it knows nothing of Lambda.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::Multipart;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::multipart::MultipartError;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::COOKIE;
use axum::http::header::SET_COOKIE;
use axum::response::AppendHeaders;
use axum::response::IntoResponse;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use axum::routing::post;
use futures_util::Stream;
use futures_util::stream;
use serde::Deserialize;
use serde::Serialize;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::trace::TraceLayer;

/// The state that all requests of a process share.
#[derive(Default)]
struct Orders {
    count: AtomicU64,
}

#[derive(Deserialize)]
struct Order {
    item: String,
    count: u32,
}

#[derive(Serialize)]
struct Receipt {
    number: u64,
    text: String,
}

#[derive(Deserialize)]
struct Name {
    name: Option<String>,
}

pub fn router() -> Router {
    Router::new()
        .route("/", get(greet))
        .route("/orders", post(order))
        .route("/items/{item}", get(async |Path(item): Path<String>| item))
        .route("/upload", post(upload))
        .route("/visit", get(visit))
        .route("/text", get(async || "a line of text\n".repeat(1000)))
        .route("/events", get(events))
        .layer(CompressionLayer::new())
        .layer(CorsLayer::permissive())
        .layer(TraceLayer::new_for_http())
        .with_state(Arc::new(Orders::default()))
}

async fn greet(Query(query): Query<Name>) -> String {
    format!("Hello, {}!\n", query.name.as_deref().unwrap_or("you"))
}

async fn order(State(orders): State<Arc<Orders>>, Json(order): Json<Order>) -> impl IntoResponse {
    let number = orders.count.fetch_add(1, Ordering::Relaxed) + 1;
    let text = format!("{} × {}", order.count, order.item);
    (StatusCode::CREATED, Json(Receipt { number, text }))
}

/// The size of each part, in bytes.
async fn upload(mut parts: Multipart) -> Result<String, MultipartError> {
    let mut sizes = String::new();
    while let Some(part) = parts.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        sizes += &format!("{name}: {}\n", part.bytes().await?.len());
    }
    Ok(sizes)
}

/// The cookies that were sent, and two new ones.
async fn visit(headers: HeaderMap) -> impl IntoResponse {
    let cookies = headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok());
    let new = AppendHeaders([(SET_COOKIE, "first=1; Secure"), (SET_COOKIE, "second=2")]);
    (new, cookies.unwrap_or_default().to_owned())
}

/// Three events, some time apart.
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::unfold(0, async |count| {
        if count == 3 {
            return None;
        }
        if count > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Some((Ok(Event::default().data(count.to_string())), count + 1))
    }))
}
