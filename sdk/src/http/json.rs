//! Parts of an event as they stand in its bytes: texts, and maps of texts.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

/// The number of headers that few requests exceed.
const USUAL_PAIRS: usize = 24;

/// The content of a JSON string. It need not be UTF-8: a header holds any bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, [u8]>);

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        let mut text = Text::default();
        deserializer.deserialize_bytes(Each { take: |value| text = value, is_list: false })?;
        Ok(text)
    }
}

/// A map's entries, in their order. A key with a list of values has an entry for each of them.
#[derive(Debug, Default)]
pub struct Pairs<'a>(pub Vec<(Text<'a>, Text<'a>)>);

impl<'a> Deserialize<'a> for Pairs<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Pairs<'a>, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'a> Visitor<'a> for PairsVisitor {
    type Value = Pairs<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Pairs<'a>, M::Error> {
        let mut pairs = Vec::with_capacity(USUAL_PAIRS);
        while let Some(key) = map.next_key::<Text>()? {
            let take = |value| pairs.push((key.clone(), value));
            map.next_value_seed(Each { take, is_list: true })?;
        }
        Ok(Pairs(pairs))
    }
}

/// Passes each text of a value on: of a string, and where lists are allowed of a list of strings or
/// of null.
struct Each<F> {
    take: F,
    is_list: bool,
}

impl<'a, F: FnMut(Text<'a>)> DeserializeSeed<'a> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'a, F: FnMut(Text<'a>)> Visitor<'a> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_list { "a text or a list of texts" } else { "a text" })
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }

    fn visit_borrowed_bytes<E: Error>(mut self, bytes: &'a [u8]) -> Result<(), E> {
        (self.take)(Text(Cow::Borrowed(bytes)));
        Ok(())
    }

    fn visit_bytes<E: Error>(mut self, bytes: &[u8]) -> Result<(), E> {
        (self.take)(Text(Cow::Owned(bytes.to_vec())));
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut list: S) -> Result<(), S::Error> {
        if !self.is_list {
            return Err(S::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        while let Some(text) = list.next_element()? {
            (self.take)(text);
        }
        Ok(())
    }
}
