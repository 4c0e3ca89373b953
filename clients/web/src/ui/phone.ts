/**
 * A phone number as it is typed: digits of Kazakhstan (+7; 8 7xx and 7xx mean it too) in groups, any other
 * country as plain international digits. Returns what to show and the E.164 number, or null while incomplete.
 */
export function readPhone(typed: string): { shown: string; e164: string | null } {
  const international = typed.trimStart().startsWith("+");
  let digits = typed.replace(/\D/g, "");
  if (digits === "") return { shown: international ? "+" : "", e164: null };
  if (!international && digits.startsWith("8")) digits = `7${digits.slice(1)}`;
  else if (!international && digits.startsWith("7") && digits.length <= 10 && /^7[0-7]\d/.test(digits)) digits = `7${digits}`;
  if (!digits.startsWith("7")) {
    const rest = digits.slice(0, 15);
    return { shown: `+${rest}`, e164: rest.length >= 8 ? `+${rest}` : null };
  }
  const rest = digits.slice(1, 11);
  const groups = [rest.slice(0, 3), rest.slice(3, 6), rest.slice(6, 8), rest.slice(8, 10)].filter(Boolean);
  return { shown: ["+7", ...groups].join(" "), e164: rest.length === 10 ? `+7${rest}` : null };
}
