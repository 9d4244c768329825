/** `node static-fastify-child.ts <port> <path> <text>`: bare Fastify that answers every POST there with the same JSON text. */
import Fastify from 'fastify';

const [port = '', path = '', text = ''] = process.argv.slice(2);

const app = Fastify();
// What is sent is taken as it is: parsing it would only make this easier to beat.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post(path, (_request, reply) => reply.type('application/json').send(text));
app.get('/v2/health/ready', (_request, reply) => reply.send(''));
await app.listen({ host: '127.0.0.1', port: Number(port) });
