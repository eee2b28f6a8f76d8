//! Words the seed is made of. Names are of many scripts and lengths on purpose.

pub const FIRST: [&str; 56] = [
    "Anna", "Ben", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hiroshi", "Inês", "Jörg", "Kateřina", "Liam",
    "María José", "Nguyễn", "Olu", "Priya", "Quentin", "Ravi", "Søren", "Tatiana", "Ulrike", "Vlad", "Wanjiru",
    "Xin", "Yusuf", "Zoë", "Amélie", "Bruno", "Carla", "Deepak", "Emma", "Fatima", "George", "Hannah", "Ivan",
    "Julia", "Kofi", "Laura", "Mehmet", "Nadia", "Oscar", "Paula", "Rosa", "Sanjay", "Tom", "Uma", "Victor",
    "Wei", "Yara", "Zeynep", "Łukasz", "Þóra", "José", "Noël", "Siobhán", "Ana-Maria",
];

pub const LAST: [&str; 60] = [
    "Adams", "Becker", "Çelik", "Dubois", "Eriksen", "Fernández", "García", "Hughes", "Ivanov", "Jansen", "Kowalski",
    "Lindqvist", "Müller", "Nakamura", "O'Brien", "Papadopoulos", "Quintero", "Rossi", "Šimek", "Tanaka", "Ueda",
    "Vasquez", "Weiß", "Xu", "Yılmaz", "Zhang", "Andersen", "Brown", "Costa", "Díaz", "Evans", "Fischer", "Grant",
    "Haddad", "Ito", "Jones", "Khan", "Lopez", "Moreau", "Novák", "Okafor", "Pereira", "Reyes", "Schmidt", "Taylor",
    "Usman", "van der Berg", "Walker", "Young", "Zimmermann", "Nguyen", "D'Angelo", "Al-Farsi", "McKenzie", "Smith-Jones",
    "Björnsdóttir", "Kim", "Singh", "Mäkelä", "de la Cruz",
];

pub const COMPANY: [&str; 40] = [
    "Northwind", "Blue Harbor", "Summit", "Ironbridge", "Clearwater", "Falcon", "Granite", "Lighthouse", "Maple",
    "Orchard", "Pioneer", "Quarry", "Redwood", "Silverline", "Tidewater", "Union", "Vantage", "Westfield", "Aurora",
    "Beacon", "Cobalt", "Delta", "Evergreen", "Foundry", "Glacier", "Horizon", "Indigo", "Juniper", "Keystone",
    "Linden", "Meridian", "Nimbus", "Oakwood", "Prairie", "Riverstone", "Sterling", "Terra", "Upland", "Vertex", "Willow",
];

pub const COMPANY_KIND: [&str; 16] = [
    "Logistics", "Foods", "Systems", "Partners", "Energy", "Textiles", "Consulting", "Media", "Robotics", "Health",
    "Packaging", "Software", "Insurance", "Travel", "Chemicals", "Labs",
];

pub const COMPANY_FORM: [&str; 10] = ["GmbH", "Inc.", "Ltd", "S.A.", "AG", "LLC", "B.V.", "Oy", "Pty Ltd", "& Sons"];

/// City, state, postal code, country.
pub const PLACE: [(&str, &str, &str, &str); 14] = [
    ("Berlin", "", "10115", "Germany"),
    ("München", "Bayern", "80331", "Germany"),
    ("London", "", "EC1A 1BB", "United Kingdom"),
    ("San Francisco", "CA", "94105", "United States"),
    ("Austin", "TX", "73301", "United States"),
    ("New York", "NY", "10001", "United States"),
    ("São Paulo", "SP", "01000-000", "Brazil"),
    ("東京", "", "100-0001", "Japan"),
    ("Zürich", "ZH", "8001", "Switzerland"),
    ("Paris", "", "75001", "France"),
    ("Warszawa", "", "00-001", "Poland"),
    ("القاهرة", "", "11511", "Egypt"),
    ("Toronto", "ON", "M5H 2N2", "Canada"),
    ("Sydney", "NSW", "2000", "Australia"),
];

pub const STREET: [&str; 10] = [
    "Harbour Road", "Hauptstraße", "Market Street", "Rue de la Paix", "Mill Lane", "High Street", "Kings Avenue",
    "Station Road", "Lindenallee", "Park View",
];

pub const TITLE: [&str; 16] = [
    "CEO", "CTO", "Head of Procurement", "IT Director", "Purchasing Manager", "VP Sales", "Office Manager",
    "Operations Lead", "Security Officer", "Marketing Manager", "Chief of Staff", "Account Executive", "Engineer",
    "Data Analyst", "Legal Counsel", "Founder & Managing Director",
];

pub const NOTE: [&str; 12] = [
    "Met at the spring trade fair.",
    "Asked for a quote for 200 seats.",
    "Prefers e-mail over phone.",
    "Uses a competitor until the end of the year.",
    "Budget is approved, decision in Q3.",
    "Wants a demo for the whole team.",
    "Referred by an existing customer.",
    "Left a voice message, no answer yet.",
    "Needs the security questionnaire first.",
    "Interested in the annual plan.",
    "Asked twice about data residency.",
    "Will come back after the merger.",
];

/// First name, last name, title; the first is the integration user, the last is inactive.
pub const USER: [(&str, &str, &str); 12] = [
    ("Integration", "User", "Integration"),
    ("Maren", "Holt", "Sales Representative"),
    ("Tomás", "Rivera", "Sales Representative"),
    ("Aiko", "Sato", "Sales Manager"),
    ("Greta", "Lund", "Sales Representative"),
    ("Samuel", "Osei", "Customer Success Manager"),
    ("Irina", "Petrova", "Customer Success Manager"),
    ("Lucas", "Bernard", "Sales Operations"),
    ("Noor", "Rahman", "Marketing"),
    ("Dana", "Whitfield", "Administrator"),
    ("Piotr", "Zieliński", "Support Agent"),
    ("Former", "Colleague", "Sales Representative"),
];

/// Last name, company, description: texts that break careless programs.
pub const DIFFICULT: [(&str, &str, &str); 14] = [
    ("العربي", "شركة النور للتجارة", "يفضل التواصل بالبريد الإلكتروني. Mixed العربية and English 123."),
    ("כהן", "חברת הצפון בע\"מ", "עברית עם \"מרכאות\" ומספר 42"),
    ("山田", "株式会社北風", "全角文字と半角ｶﾅ、絵文字👩‍💻を含むメモ。"),
    ("Emoji 👩‍👩‍👧‍👦🏳️‍🌈", "🚀 Rocket & Co 🇩🇪", "Family 👨‍👩‍👧, flag 🏴󠁧󠁢󠁳󠁣󠁴󠁿, skin 👍🏽, keycap 1️⃣"),
    ("\u{a0}Blank\u{a0}", "\u{a0}No-Break Ltd\u{a0}", "\u{a0}\u{a0}indented with no-break spaces\u{a0}"),
    ("O'Neil \"Quote\"", "Back\\slash \\n Inc.", "C:\\temp\\new 'single' \"double\" `back` %s {0} ${HOME}"),
    ("Escape\u{1b}[31mRed", "Bell\u{7} Corp", "\u{1b}]0;title\u{7}\u{1b}[2Jcleared? \u{8}\u{8} tab\there\u{0}nul"),
    ("Override \u{202e}gnirts", "\u{2066}Isolate\u{2069} LLC", "invoice_\u{202e}fdp.exe looks like a document"),
    ("=HYPERLINK(\"http://example.com\")", "+SUM(A1:A9)", "-1+1 @cmd; a formula if opened as a sheet"),
    ("<script>alert(1)</script>", "Tags & <b>Bold</b> &amp; Co", "<img src=x onerror=alert(1)> &lt;already escaped&gt;"),
    ("Combining é vs é", "Ä vs Ä", "Same look, other code points: e\u{301} é, Å Å K"),
    ("Z\u{351}\u{36b}\u{343}\u{36a}\u{302}\u{36b}\u{33d}a\u{334}\u{321}\u{32b}lgo", "Zero\u{200b}Width\u{feff}Co", "soft\u{ad}hyphen, joiner\u{200d}, thin\u{2009}space"),
    ("Lines", "Multi Line & Sons", "first line\r\nsecond line\nthird\rfourth\u{2028}fifth\u{85}sixth\n\n\nlast"),
    ("ﬁ ligature Ⅷ ½", "ＦＵＬＬＷＩＤＴＨ Co", "ǅ titlecase, İstanbul ı, ß ẞ, ς σ"),
];
