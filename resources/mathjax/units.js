// Numbers and units as the package "siunitx" has them, in TeX that MathJax understands.

const PREFIXES = {
  yocto: 'y', zepto: 'z', atto: 'a', femto: 'f', pico: 'p', nano: 'n', micro: '\\unicode{xB5}',
  milli: 'm', centi: 'c', deci: 'd', deca: 'da', hecto: 'h', kilo: 'k', mega: 'M', giga: 'G',
  tera: 'T', peta: 'P', exa: 'E', zetta: 'Z', yotta: 'Y', kibi: 'Ki', mebi: 'Mi', gibi: 'Gi',
};
const UNITS = {
  meter: 'm', metre: 'm', second: 's', gram: 'g', kilogram: 'kg', ampere: 'A', kelvin: 'K', mole: 'mol',
  candela: 'cd', hertz: 'Hz', newton: 'N', pascal: 'Pa', joule: 'J', watt: 'W', coulomb: 'C',
  volt: 'V', farad: 'F', ohm: '\\Omega', siemens: 'S', weber: 'Wb', tesla: 'T', henry: 'H',
  lumen: 'lm', lux: 'lx', becquerel: 'Bq', gray: 'Gy', sievert: 'Sv', katal: 'kat', radian: 'rad',
  steradian: 'sr', celsius: '^{\\circ}C', degreeCelsius: '^{\\circ}C', degree: '^{\\circ}',
  arcminute: '^{\\prime}', arcsecond: '^{\\prime\\prime}', percent: '\\%', minute: 'min', hour: 'h',
  day: 'd', year: 'yr', liter: 'L', litre: 'L', tonne: 't', hectare: 'ha', electronvolt: 'eV',
  dalton: 'Da', bar: 'bar', atm: 'atm', mmHg: 'mmHg', angstrom: '\\unicode{xC5}', barn: 'b',
  decibel: 'dB', neper: 'Np', bel: 'B', bit: 'bit', byte: 'B', au: 'au', astronomicalunit: 'au',
  parsec: 'pc', lightyear: 'ly', molar: 'M', calorie: 'cal', rpm: 'rpm',
  km: 'km', cm: 'cm', mm: 'mm', m: 'm', nm: 'nm', um: '\\unicode{xB5}m', kg: 'kg', g: 'g', mg: 'mg',
  s: 's', ms: 'ms', ns: 'ns', A: 'A', mA: 'mA', V: 'V', kV: 'kV', W: 'W', kW: 'kW', MW: 'MW',
  J: 'J', kJ: 'kJ', N: 'N', kN: 'kN', Pa: 'Pa', kPa: 'kPa', MPa: 'MPa', Hz: 'Hz', kHz: 'kHz',
  MHz: 'MHz', GHz: 'GHz', K: 'K', mol: 'mol', eV: 'eV', keV: 'keV', MeV: 'MeV', GeV: 'GeV', L: 'L', mL: 'mL',
};
const POWERS = { squared: 2, cubed: 3 };
const POWERS_BEFORE = { square: 2, cubic: 3 };

/** Return the TeX of a unit: \meter\per\second, or letters as they stand. */
export function unitTeX(said) {
  if (!said.includes('\\')) {
    const spaced = said.trim().replace(/[.~]|\s+/g, '\\,').replace(/\*/g, '{\\cdot}');
    return `\\mathrm{${spaced.replace(/µ|μ/g, '\\unicode{xB5}').replace(/Ω/g, '\\Omega{}')}}`;
  }
  const done = [];
  let [prefix, sign, power] = ['', 1, 1];
  const raise = (to) => { if (done.length) done[done.length - 1].power *= to; };
  for (const [whole, name, given, plain] of said.matchAll(/\\([A-Za-z]+)(?:\s*\{([^{}]*)\})?|([^\\\s~.]+)/g)) {
    if (plain) {
      done.push({ symbol: `${prefix}${plain}`, power: sign * power });
      [prefix, sign, power] = ['', 1, 1];
    } else if (name === 'per') sign = -1;
    else if (name === 'tothe' || name === 'raiseto') raise(parseFloat(given) || 1);
    else if (name === 'of') done.push({ symbol: `(${given})`, power: 1 });
    else if (POWERS[name]) raise(POWERS[name]);
    else if (POWERS_BEFORE[name]) power = POWERS_BEFORE[name];
    else if (PREFIXES[name]) prefix = PREFIXES[name];
    else if (UNITS[name]) {
      done.push({ symbol: `${prefix}${UNITS[name]}`, power: sign * power });
      [prefix, sign, power] = ['', 1, 1];
    } else done.push({ symbol: whole, power: sign * power });
  }
  if (prefix) done.push({ symbol: prefix, power: sign * power });
  return done
    .map((unit) => `\\mathrm{${unit.symbol}}${unit.power === 1 ? '' : `^{${unit.power}}`}`)
    .join('\\,');
}

/** Return the TeX of a number: 6.022e23 as a power of ten, long ones in groups of three. */
export function numberTeX(said) {
  const found = said.trim().match(/^([+-]?[\d.,\s]*(?:\(\d+\)|\+-[\d.]+|\\pm\s*[\d.]+)?)\s*[eEdD]\s*([+-]?\d+)$/);
  const plain = (text) => text.replace(/\s+/g, '').replace('+-', '\\pm ').replace(/,/g, '{,}')
    .replace(/^([+-]?)(\d{5,})/, (_all, sign, digits) => sign + digits.replace(/\B(?=(\d{3})+$)/g, '\\,'));
  if (!found) return /^[-+\d.,\s()]*$/.test(said) ? plain(said) : said;
  const [, digits, power] = found;
  return `${digits.trim() ? `${plain(digits)}\\times ` : ''}10^{${power.replace('+', '')}}`;
}

/** Return the TeX of a number with its unit. */
export const quantityTeX = (number, unit) => {
  const joint = /^\s*(\\degree|\\arc(min|sec)|°)(?![A-Za-z])/.test(unit) ? '' : '\\,';
  return `${numberTeX(number)}${joint}${unitTeX(unit)}`;
};
