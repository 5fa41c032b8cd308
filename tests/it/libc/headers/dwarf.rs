//! The names that C headers declare, from the debug information of a library that includes them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gimli::EndianSlice;
use gimli::EntriesTreeNode;
use gimli::LittleEndian;
use gimli::UnitOffset;
use object::Object as _;
use object::ObjectSection as _;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = gimli::DebuggingInformationEntry<Bytes<'a>>;

/// Public names that headers declare.
#[derive(Default)]
pub struct Names {
    /// Each type as C spells it, with the names of its members.
    pub types: BTreeMap<String, BTreeSet<String>>,
    /// The constants of enumerations.
    pub constants: BTreeSet<String>,
}

/// Reads the declarations in a file built with `-g -fno-eliminate-unused-debug-types`.
pub fn names(library: &Path) -> Names {
    let bytes = fs::read(library).expect("the library");
    let file = object::File::parse(&*bytes).expect("ELF");
    let section = |id: gimli::SectionId| {
        let found = file.section_by_name(id.name());
        let data = found.and_then(|section| section.data().ok()).unwrap_or_default();
        Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section).expect("DWARF");
    let mut names = Names::default();
    let mut units = dwarf.units();
    while let Some(header) = units.next().expect("a unit") {
        let unit = dwarf.unit(header).expect("a unit");
        Reader { dwarf: &dwarf, unit: &unit }.read(&mut names);
    }
    names
}

struct Reader<'a> {
    dwarf: &'a gimli::Dwarf<Bytes<'a>>,
    unit: &'a gimli::Unit<Bytes<'a>>,
}

impl Reader<'_> {
    /// C's declarations at file scope are the children of the unit's root.
    fn read(&self, names: &mut Names) {
        let mut tree = self.unit.entries_tree(None).expect("entries");
        let mut children = tree.root().expect("a root").children();
        while let Some(node) = children.next().expect("an entry") {
            let entry = node.entry();
            let name = self.name(entry);
            let keyword = match entry.tag() {
                gimli::DW_TAG_structure_type => "struct ",
                gimli::DW_TAG_union_type => "union ",
                gimli::DW_TAG_typedef => "",
                gimli::DW_TAG_enumeration_type => {
                    visit(node, &mut |child| names.constants.extend(self.name(child)));
                    continue;
                }
                _ => continue,
            };
            // A structure without a size is declared but not defined.
            if entry.tag() != gimli::DW_TAG_typedef && !entry.has_attr(gimli::DW_AT_byte_size) {
                continue;
            }
            if let Some(name) = name {
                let members = names.types.entry(format!("{keyword}{name}")).or_default();
                self.members(entry.offset(), members);
            }
        }
    }

    /// Adds the members of a structure or union, following typedefs, and those of unnamed members
    /// inside it.
    fn members(&self, offset: UnitOffset, members: &mut BTreeSet<String>) {
        let mut tree = self.unit.entries_tree(Some(offset)).expect("entries");
        let node = tree.root().expect("an entry");
        match node.entry().tag() {
            gimli::DW_TAG_typedef => {
                if let Some(target) = target(node.entry()) {
                    self.members(target, members);
                }
            }
            gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
                visit(node, &mut |entry| {
                    if entry.has_attr(gimli::DW_AT_name) {
                        members.extend(self.name(entry));
                    } else if let Some(target) = target(entry) {
                        self.members(target, members);
                    }
                });
            }
            _ => {}
        }
    }

    /// An entry's name, if it is public.
    fn name(&self, entry: &Entry) -> Option<String> {
        let value = entry.attr_value(gimli::DW_AT_name)?;
        let name = self.dwarf.attr_string(self.unit, value).expect("a string");
        let name = name.to_string().expect("UTF-8");
        super::is_public(name).then(|| name.to_owned())
    }
}

/// Calls `visit` with the children of an entry.
fn visit(node: EntriesTreeNode<'_, '_, Bytes<'_>>, visit: &mut dyn FnMut(&Entry<'_>)) {
    let mut children = node.children();
    while let Some(child) = children.next().expect("an entry") {
        visit(child.entry());
    }
}

/// The type that an entry refers to.
fn target(entry: &Entry) -> Option<UnitOffset> {
    match entry.attr_value(gimli::DW_AT_type)? {
        gimli::AttributeValue::UnitRef(offset) => Some(offset),
        other => panic!("not a type of this unit: {other:?}"),
    }
}
