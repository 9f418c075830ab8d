// A real OpenID provider for the tests (npm oidc-provider): people of a plant, no pages of its own.
// node provider.mjs PORT REDIRECT_URI KEYS.json: signs with the keys of the file; whoever is named in ?login_hint is in.
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [port, redirectUri, keys] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const people = JSON.parse(process.env.PEOPLE);

const provider = new Provider(issuer, {
  clients: [{ client_id: 'd2r', client_secret: 'a-secret-of-32-characters-or-more', redirect_uris: [redirectUri] }],
  jwks: JSON.parse(readFileSync(keys, 'utf8')),
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
});

// Signing in and consenting, without a page: the name comes in the cookie "who".
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const who = ctx.cookies.get('who', { signed: false });
  if (!people[who]) {
    const refusal = { error: 'access_denied', error_description: 'nobody' };
    return provider.interactionFinished(ctx.req, ctx.res, refusal);
  }
  const { params, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: who, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const result = { login: { accountId: who, ts: Math.floor(Date.now() / 1000) }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(ctx.req, ctx.res, result);
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
