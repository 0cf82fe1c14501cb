'use strict';
// db.Geo: GeoJSON's six shapes as classes that check what they are made of.

function checkDegree(name, degree) {
  if (typeof degree !== 'number')
    throw new Error('Geo Point must be number type');
  const top = name === 'latitude' ? 90 : 180;
  if (Math.abs(degree) > top)
    throw new Error(`${name} should be a number ranges from -${top} to ${top}`);
}

class Point {
  constructor(longitude, latitude) {
    checkDegree('longitude', longitude);
    checkDegree('latitude', latitude);
    this.longitude = longitude;
    this.latitude = latitude;
  }

  toReadableString() {
    return `[${this.longitude},${this.latitude}]`;
  }
}

// `member` holds instances of Part.
function checkParts(list, member, Part, least, few) {
  if (!Array.isArray(list))
    throw new TypeError(`"${member}" must be of type ${Part.name}[]. Received type ${typeof list}`);
  if (list.length < least) throw new Error(few);
  for (const each of list)
    if (!(each instanceof Part))
      throw new TypeError(`"${member}" must be of type ${Part.name}[]. Received type ${typeof each}[]`);
}

class LineString {
  constructor(points) {
    checkParts(points, 'points', Point, 2,
      '"points" must contain 2 points at least');
    this.points = points;
  }

  static isClosed(line) {
    const [first] = line.points;
    const last = line.points[line.points.length - 1];
    return first.latitude === last.latitude
      && first.longitude === last.longitude;
  }
}

class Polygon {
  constructor(lines) {
    checkParts(lines, 'lines', LineString, 1,
      'Polygon must contain 1 linestring at least');
    for (const line of lines)
      if (!LineString.isClosed(line))
        throw new Error(`LineString ${line.points.map((p) => p.toReadableString())} is not a closed cycle`);
    this.lines = lines;
  }
}

class MultiPoint {
  constructor(points) {
    checkParts(points, 'points', Point, 1,
      '"points" must contain 1 point at least');
    this.points = points;
  }
}

class MultiLineString {
  constructor(lines) {
    checkParts(lines, 'lines', LineString, 1,
      'Polygon must contain 1 linestring at least');
    this.lines = lines;
  }
}

class MultiPolygon {
  constructor(polygons) {
    checkParts(polygons, 'polygons', Polygon, 1,
      'MultiPolygon must contain 1 polygon at least');
    this.polygons = polygons;
  }
}

const place = (p) => [p.longitude, p.latitude];
const line = (l) => l.points.map(place);
const rings = (p) => p.lines.map(line);
// Name: the class, its coordinates, and back from them.
const SHAPES = {
  Point: [Point, place, (c) => new Point(c[0], c[1])],
  LineString: [LineString, line, (c) => new LineString(c.map(SHAPES.Point[2]))],
  Polygon: [Polygon, rings, (c) => new Polygon(c.map(SHAPES.LineString[2]))],
  MultiPoint: [MultiPoint, line, (c) => new MultiPoint(c.map(SHAPES.Point[2]))],
  MultiLineString: [MultiLineString, rings,
    (c) => new MultiLineString(c.map(SHAPES.LineString[2]))],
  MultiPolygon: [MultiPolygon, (m) => m.polygons.map(rings),
    (c) => new MultiPolygon(c.map(SHAPES.Polygon[2]))],
};
// db.Geo.Point(…) works with and without new.
const Geo = {};
for (const [type, [Class, coordinates]] of Object.entries(SHAPES)) {
  Class.prototype.toJSON = function toJSON() {
    return { type, coordinates: coordinates(this) };
  };
  Class.prototype.parse = function parse(key) {
    return { [key]: this.toJSON() };
  };
  for (const method of ['toJSON', 'parse'])
    Object.defineProperty(Class.prototype, method, { enumerable: false });
  Geo[type] = new Proxy(Class, {
    apply: (target, self, args) => Reflect.construct(target, args),
  });
}

function isShape(value) {
  return Object.values(SHAPES).some(([Class]) => value instanceof Class);
}

// A document's member that looks like GeoJSON, as an object; null: it is
// something of the author's that only looks like it.
function revive(value) {
  const row = Object.hasOwn(SHAPES, value.type) ? SHAPES[value.type] : null;
  if (!row || !Array.isArray(value.coordinates)) return null;
  try {
    return row[2](value.coordinates);
  } catch {
    return null;
  }
}

module.exports = { Geo, Point, LineString, Polygon, MultiPoint,
  MultiLineString, MultiPolygon, isShape, revive };
