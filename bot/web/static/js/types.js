/**
 * The shapes that come from the API, as JSDoc types. Nothing runs here.
 *
 * @typedef {{span: "moment", at: number|string}} Moment
 * @typedef {{span: "person", id: string, name: string}} PersonSpan
 * @typedef {{span: "link", label: string, url: string}} LinkSpan
 * @typedef {{span: "code"|"strong", text: string}} MarkedSpan
 * @typedef {{span: "room", id: string, name: string}} RoomSpan
 * @typedef {string|Moment|PersonSpan|LinkSpan|MarkedSpan|RoomSpan} Span
 * @typedef {Span[]|string} Text
 *
 * @typedef {{label: string, command: string, style?: "default"|"primary"|"danger", confirm?: string}} Button
 * @typedef {{name: string, count: number}} ServiceCount
 * @typedef {{view: "card", incident: string, title: string, severity: string, status: string,
 *   status_since: number|string, opened_at: number|string, resolved_at?: number|string|null,
 *   lead?: {id: string, name: string}|null, alert_count?: number, firing_count?: number, services?: ServiceCount[],
 *   location?: string, environment?: string, cause?: Text, suspects?: Text[], ruled_out?: Text,
 *   roles?: {role: string, person: {id: string, name: string}}[], update?: Text, next_step?: Text, buttons?: Button[],
 *   links?: {label: string, url: string}[], picture?: Drawing|null}} Card
 * @typedef {{incident: string, name: string, alt: string, digest?: string}} Drawing
 * @typedef {{view: "notice", text: Text, tone?: "info"|"good"|"warning"|"bad", details?: Text[], output?: string,
 *   buttons?: Button[], picture?: Drawing|null}} Notice
 * @typedef {{view: "page", incident: string, headline: Text, body: Text, state?: "waiting"|"answered"|"over",
 *   buttons?: Button[]}} Page
 *
 * @typedef {{id: number, room: string, at: string, author: {id: string, name: string, kind: "person"|"muster"},
 *   text: string, view: Card|Notice|Page|null, edited_at: string|null, pinned: boolean,
 *   platform: string, answered: string|null, taken_back: boolean}} Message
 * @typedef {{text: string, private: boolean, failed: boolean, spans?: Span[], details?: Text[], output?: string,
 *   buttons?: Button[], picture?: Drawing|null}} Reply
 *
 * @typedef {{id: string, number?: number, title: string, status: "open"|"acknowledged"|"mitigated"|"resolved",
 *   severity: string, services: string[], service_counts?: ServiceCount[], commander: string|null, alert_count: number,
 *   firing_count?: number, location?: string, environment?: string, cause?: {service: string, words: string}|null,
 *   summary?: string, rooms?: Object<string, string>, opened_at: string, acknowledged_at: string|null,
 *   acknowledged_by: string|null, resolved_at: string|null}} Incident
 * @typedef {{id: string, kind: "lobby"|"incident"|"private", title: string, incident: Incident|null,
 *   archived: boolean, last_at: string|null}} Room
 * @typedef {{id: string, name: string, timezone?: string, email?: string}} Person
 * @typedef {{people: Person[], teams: string[], services: string[], version: string, demo: boolean,
 *   server_time: string, loopback: boolean}} Session
 *
 * @typedef {{service: string, counts: number[], worst: (string|null)[], firing: number}} Lane
 * @typedef {{id: string, at: string, service: string, title: string, kind: string, status: string, rank: number|null,
 *   url: string, author: string}} Change
 * @typedef {{at: string, kind: string, text: string}} Mark
 * @typedef {{from: string, to: string, bucket_s: number, lanes: Lane[], changes: Change[], marks: Mark[]}} Lanes
 * @typedef {{service: string, tier: number|null, state: "cause"|"affected"|"exposed"|"healthy", alerts: number,
 *   hops: number|null}} Node
 * @typedef {{nodes: Node[], edges: {from: string, to: string}[]}} Graph
 * @typedef {{alert: string, at: string, name: string, service: string, decision: string, words: string,
 *   terms: {term: string, score: number, words: string}[]}} Evidence
 * @typedef {{id: string, name: string, service: string, host: string, count: number, first_seen: string,
 *   last_seen: string, status: "firing"|"resolved", held: string}} Alert
 * @typedef {{id: number, at: string, kind: string, actor: string, text: string, data: object}} TimelineEntry
 */
export {};
