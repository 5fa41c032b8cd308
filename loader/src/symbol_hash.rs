//! The hash by which an undefined symbol is looked up among the symbols of the process. It takes
//! eight bytes of the name at a time; the last are padded with zeros.

/// One step: a bijection of the hash, and of the word. The bootstrap compares the upper half and
/// the lowest eight bits, so names that agree in them are one name to it. `host/build.rs` refuses
/// such names in the lists of exports; for any other name, the chance to hit one of some 500 in
/// 2⁴⁰ is negligible.
const fn step(hash: u64, word: u64) -> u64 {
    // An odd number with about as many ones as zeros. The upper half of the product depends on all
    // bits.
    let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 32
}

/// The hash of a name without its NUL.
pub fn symbol_hash(name: &[u8]) -> u64 {
    let (words, rest) = name.as_chunks();
    let hash = words.iter().fold(0, |hash, word| step(hash, u64::from_le_bytes(*word)));
    step(hash, last_word(rest))
}

/// The hash of the name that ends at the first NUL; None without a NUL.
pub fn hash_to_nul(bytes: &[u8]) -> Option<u64> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = bytes.as_chunks();
    let mut hash = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The lowest of these bits is the highest of the first zero byte.
        let zeros = word.wrapping_sub(LOW) & !word & (LOW << 7);
        if zeros != 0 {
            let before = ((zeros & zeros.wrapping_neg()) >> 7) - 1;
            return Some(step(hash, word & before));
        }
        hash = step(hash, word);
    }
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some(step(hash, last_word(&rest[..end])))
}

/// Pads fewer than eight bytes with zeros.
fn last_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_name_has_one_hash_wherever_it_stands() {
        let name = b"pthread_condattr_setclock";
        for end in 0..name.len() {
            let name = &name[..end];
            for after in [&b""[..], b"\0", b"\x01", b"\x80\0\xff", b"next\0\xffand many more"] {
                let bytes: Vec<u8> = [name, b"\0", after].concat();
                assert_eq!(hash_to_nul(&bytes), Some(symbol_hash(name)), "{bytes:?}");
            }
            assert_eq!(hash_to_nul(name), None);
        }
        assert_eq!(hash_to_nul(b"\xff\x80\x01\0"), Some(symbol_hash(b"\xff\x80\x01")));
    }
}
