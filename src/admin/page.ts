/**
 * The page at `/`: one document, its style and script inside it and named to the browser by their hashes, so that
 * nothing else on it can run or load. It holds no data: its script reads that from the routes beside it.
 */
import { createHash } from 'node:crypto';
import { markup } from './page-markup.ts';
import { script } from './page-script.ts';
import { style } from './page-style.ts';

export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Headgate</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>${markup}<script>${script}</script>
</body>
</html>
`;

export const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
