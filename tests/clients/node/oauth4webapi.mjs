// oauth4webapi, as its users write it: every request and every check of an answer by hand.

import * as oauth from 'oauth4webapi'

import { run } from './run.mjs'

const AUTHENTICATION = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
  none: oauth.None,
}
const HERE = { [oauth.allowInsecureRequests]: true } // a server on this machine

/** Find everything by the metadata of RFC 8414, from the issuer alone. */
async function discover({ issuer, clientId, clientSecret, method = 'client_secret_basic' }) {
  const url = new URL(issuer)
  const answer = await oauth.discoveryRequest(url, { ...HERE, algorithm: 'oauth2' })
  const server = await oauth.processDiscoveryResponse(url, answer)
  return { server, client: { client_id: clientId }, auth: AUTHENTICATION[method](clientSecret) }
}

await run({
  async metadata(who) {
    return (await discover(who)).server
  },

  async clientCredentials({ scope, ...who }) {
    const { server, client, auth } = await discover(who)
    const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, scope ? { scope } : {}, HERE)
    return oauth.processClientCredentialsResponse(server, client, answer)
  },

  /** Make the address to send a browser to, and what to keep for this browser meanwhile. */
  async authorizationUrl({ redirectUri, scope, ...who }) {
    const { server, client } = await discover(who)
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(server.authorization_endpoint)
    url.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { url, kept: { verifier, state, redirectUri } }
  },

  /** Take the browser that comes back; `validateAuthResponse` checks `state` and `iss`. */
  async authorizationCode({ back, kept, ...who }) {
    const { server, client, auth } = await discover(who)
    const parameters = oauth.validateAuthResponse(server, client, new URL(back), kept.state)
    const { redirectUri, verifier } = kept
    const answer = await oauth.authorizationCodeGrantRequest(
      server, client, auth, parameters, redirectUri, verifier, HERE,
    )
    return oauth.processAuthorizationCodeResponse(server, client, answer)
  },

  async refresh({ refreshToken, ...who }) {
    const { server, client, auth } = await discover(who)
    const answer = await oauth.refreshTokenGrantRequest(server, client, auth, refreshToken, HERE)
    return oauth.processRefreshTokenResponse(server, client, answer)
  },

  async revoke({ token, ...who }) {
    const { server, client, auth } = await discover(who)
    return oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token, HERE))
  },

  async introspect({ token, ...who }) {
    const { server, client, auth } = await discover(who)
    const answer = await oauth.introspectionRequest(server, client, auth, token, HERE)
    return oauth.processIntrospectionResponse(server, client, answer)
  },

  async call({ accessToken, url }) {
    const answer = await oauth.protectedResourceRequest(accessToken, 'GET', new URL(url), undefined, undefined, HERE)
    return answer.json()
  },

  /** Learn about an API from its address alone; the library refuses a document that names another. */
  async resource({ url }) {
    const api = new URL(url)
    return oauth.processResourceDiscoveryResponse(api, await oauth.resourceDiscoveryRequest(api, HERE))
  },

  /** Be an API that asks nobody: check a token with the public keys, after RFC 9068. */
  async validate({ accessToken, audience, ...who }) {
    const { server } = await discover(who)
    const request = new Request('https://api.example/orders', { headers: { Authorization: `Bearer ${accessToken}` } })
    return oauth.validateJwtAccessToken(server, request, audience, HERE)
  },
})
